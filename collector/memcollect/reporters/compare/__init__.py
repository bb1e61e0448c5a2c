"""The comparison for people and programs: the sections of its page, and its formats."""
