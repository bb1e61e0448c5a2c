"""One rule per cause with an amount: each module those of one kind of memory. Pure."""
