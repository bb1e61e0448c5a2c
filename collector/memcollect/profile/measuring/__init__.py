"""Measuring in a run: sandboxes gathered, memory at rest, the snapshot taken, the nodes looked at."""
