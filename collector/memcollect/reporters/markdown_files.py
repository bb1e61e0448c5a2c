"""The files behind page cache and tmpfs as a Markdown table. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from memcollect.documents.snapshot import Pod
from memcollect.reporters import file_words
from memcollect.reporters.escape import markdown, markdown_code
from memcollect.reporters.markdown_parts import subsection, table_head, table_row
from memcollect.reporters.sizes import size

COLUMNS = ("In memory", "File", "What it is")
MOST_SHOWN = 50


def file_rows(pod: Pod) -> Iterator[str]:
    """Yield the largest files, the others in one line, and what they are of the charge."""
    if pod.files is None:
        return
    yield from subsection(file_words.TITLE)
    rows = file_words.file_rows(pod)
    shown, hidden = rows[:MOST_SHOWN], rows[MOST_SHOWN:]
    if shown:
        yield from table_head(COLUMNS, numbers=1, first=0)
    for row in shown:
        yield table_row([row.amount, markdown_code(row.name), markdown(row.remark)])
    if others := file_words.others_text(pod, hidden):
        yield table_row([size(file_words.others_bytes(pod, hidden)), others, ""])
    said = (file_words.nothing_text(pod), *file_words.sum_sentences(pod), *file_words.open_sentences(pod))
    for sentence in said:
        if sentence:
            yield ""
            yield f"- {markdown(sentence)}"
