"""The comparison as text: one page, laid out once, written as a table or as Markdown."""
