"""Snapshots and runs held against one another: differences, and what may be claimed of them. Pure.

`compare` reads nothing but its documents, so a page can be made again from the files, offline.
"""

from memcollect.compare.comparison import Question, compare
from memcollect.compare.inputs import Document, Grouping

__all__ = ["Document", "Grouping", "Question", "compare"]
