"""The rules of the ladder's steps, one module per gap. Pure."""
