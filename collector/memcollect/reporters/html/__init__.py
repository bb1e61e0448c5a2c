"""The report to look at: one HTML file with pictures, for people who would rather see than read."""

from memcollect.reporters.html.page import render

__all__ = ["render"]
