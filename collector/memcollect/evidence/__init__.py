"""The evidence matrix: what a backend of sandboxes must do besides saving memory, and what it was seen to do.

Pure: the port of operations that every backend is asked through (`port`), the catalogue of checks as data
(`catalogue`), what was seen (`seen`), its judging (`judging`), the document that keeps it (`document`) and
the matrix of several backends (`matrix`). Doing the checks is `memcollect.trying`'s.
"""
