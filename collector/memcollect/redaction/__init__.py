"""Names replaced so that a document may be shown in public: equal ones alike, numbers and explanation kept.

known      the public table of names that stay, since half the world's machines have them
words      one run's replacements, by a key of its own
arguments  command lines, paths, images and free text, each taken apart
snapshot   a snapshot
"""
