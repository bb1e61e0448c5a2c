"""Every parser and decoder of the project under a fuzzer that is led by the code it reaches (atheris).

    python -m fuzz [--minutes 10] [--inputs 1000000] [TARGET…]        what `make fuzz` runs

Run in tests/. Each target runs in a process of its own, from the seeds in the tree on, until it had so many
inputs or its share of the minutes is over; the table says how many it had. What a target cannot take is kept
in .lab/fuzz, and belongs into seeds/TARGET once it is mended: the tests give every seed to its target.
"""
