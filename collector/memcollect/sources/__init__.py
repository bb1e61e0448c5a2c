"""Where numbers and names come from: everything here does I/O, and nothing here explains."""
