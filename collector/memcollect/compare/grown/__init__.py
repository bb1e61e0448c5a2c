"""What grew between two snapshots: pod by pod, by term and by process. Pure.

    what is said of it        growth.Growth, beside this folder
    which pod is which        matching.matched
    the numbers               changes.growth_of
    of files and mappings     contents
    the first sentence        words.headline

Two snapshots are two moments and no repeats: there is nothing to draw an interval from, and nothing is
claimed of any backend. What each pod did in between is exact all the same.
"""
