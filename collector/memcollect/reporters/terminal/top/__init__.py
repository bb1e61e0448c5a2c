"""The live view on a terminal: a frame -> lines that fit its width and its height."""
