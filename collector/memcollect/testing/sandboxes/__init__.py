"""Stand-ins for backends of sandboxes: real processes and files behind interfaces that others have defined.

Each can be told to be broken in known ways, its faults, so that whoever looks for faults can be tested.
"""
