"""The joining, reconciling and explaining half of memcollect, where the engineer sits."""
