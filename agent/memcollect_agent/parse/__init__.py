"""The text of one kernel file -> a struct or a dictionary.

Pure: bytes in, value out, and ParseError (never anything else) where the bytes are not in the form
that the kernel documents. One module per kernel interface. Sizes leave here in bytes.
"""
