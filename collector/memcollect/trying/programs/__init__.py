"""Programs that ask a backend through somebody else's package, in the environment that has the package.

They speak lines of JSON with `memcollect.trying.drivers.program`; `speaking` has the protocol. So our own
environment needs none of these packages, and two that cannot be installed together are no trouble.
"""
