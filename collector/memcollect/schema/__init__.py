"""The JSON Schema of every document, made from the structs: what a reader of the JSON may rely on.

kinds         which documents there are, and the struct of each
words, units  what a field means and in which unit it is, where its own docstring does not say
generate      the schema of one kind, from structs and words (reads our own source: for the repository)
shipped       the same as a file of the package, which `memcollect schema` prints
"""
