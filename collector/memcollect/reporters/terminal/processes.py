"""The largest processes of a container, where they were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from memcollect.reporters.escape import visible
from memcollect.reporters.price_words import price, without
from memcollect.reporters.sizes import short_size
from memcollect.reporters.terminal.lines import cut, paragraph, right
from memcollect.reporters.words import command_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memcollect.documents.snapshot import Service
    from memcollect_agent.wire import Process

HEADINGS = ("PID", "PSS", "RSS", "ANON", "FILE", "SHMEM")
SERVICE_HEADINGS = ("COUNT", "PSS", "ANON", "FILE", "SHMEM")
COLUMN_WIDTH = 8


def process_lines(processes: list[Process], width: int) -> Iterator[Text]:
    """Yield a heading and a line for each process in the document's order (the largest PSS first)."""
    if not processes:
        return
    yield Text(_row(HEADINGS, "COMMAND", width), style="bold")
    for process in processes:
        numbers = (
            process.pss_bytes,
            process.rss_bytes,
            process.pss_anon_bytes,
            process.pss_file_bytes,
            process.pss_shmem_bytes,
        )
        cells = (str(process.pid), *(short_size(number) for number in numbers))
        yield Text(_row(cells, visible(command_of(process)), width))


def service_lines(services: list[Service], width: int) -> Iterator[Text]:
    """Yield a heading and a line for each service in the document's order ("other" and "unlisted" last)."""
    yield Text(_row(SERVICE_HEADINGS, "SERVICE (saves, if it were off)", width), style="bold")
    for service in services:
        numbers = (
            service.pss_bytes,
            service.pss_anon_bytes,
            service.pss_file_bytes,
            service.pss_shmem_bytes,
        )
        cells = (str(service.processes), *(short_size(number) for number in numbers))
        off = f" ({price(service)})" if service.saves_low_bytes is not None else ""
        yield Text(_row(cells, visible(f"{service.name}{off}"), width))
    for sentence in without(services):
        yield from paragraph(sentence, width)


def _row(cells: tuple[str, ...], command: str, width: int) -> str:
    numbers = "".join(right(cell, COLUMN_WIDTH) for cell in cells)
    return numbers + "  " + cut(command, width - len(numbers) - 2)
