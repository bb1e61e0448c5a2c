"""A snapshot as text, one module per format. Nothing here computes a number of its own."""
