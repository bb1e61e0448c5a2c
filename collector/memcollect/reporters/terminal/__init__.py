"""The parts of the terminal report, each a function from a part of the document to lines of text."""
