"""Sandboxes of it."""
