"""A plan: its text read, every mistake in it told, and what it will do in words. Pure but for `shipped`."""
