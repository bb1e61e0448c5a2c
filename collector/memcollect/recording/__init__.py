"""Recordings: the kernel's files of one node, as the agent read them, in one archive that can be replayed.

document   what a recording is: files by path, and what it says of itself
taking     a node -> a recording
archive    a recording <-> a .tar.gz; whatever is in one may be anybody's
replay     a recording as a root directory, for `--local --root`
"""
