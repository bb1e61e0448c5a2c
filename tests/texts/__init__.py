"""The catalogue of texts: every sentence, phrase and label that the programs can print, room by room.

A text stands beside the rule that says it, where both are read together; what is said in all is seen here.

cd tests && python -m texts    # writes docs/texts anew: read its diff
"""
