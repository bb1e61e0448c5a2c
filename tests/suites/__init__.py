"""All tests of the project as a list of suites: run several at once, and told in one table.

    python -m suites all [PYTEST FLAG…]       what `make test` runs
    python -m suites truth [VERSION…]         the truth workloads on those kernels, or on all of the matrix

Run in tests/. A suite passes when pytest does and something of it ran; where its kernel could not be had, or
everything in it was skipped, it has not run, and that is a failure, too.
"""
