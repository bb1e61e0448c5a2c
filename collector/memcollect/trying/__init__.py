"""Trying a backend: the catalogue's checks done through a driver, timed, and everything removed after.

`performing` does one step, `trial` the rows and checks, `drivers` are the ways to a backend, `gateway` is
DeerFlow's. All that is made is in the `Ledger`, and taken away in one place, `cleaning`.
"""
