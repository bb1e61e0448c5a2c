"""A page of sections, tables and bullets, laid out once: shown in a terminal, as Markdown, as HTML."""
