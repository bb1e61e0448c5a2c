"""The processes of a pod and the services they make up, where they were asked for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from memcollect.documents.snapshot import Pod, Service
from memcollect.reporters.html.markup import Markup, element, name_of
from memcollect.reporters.html.tables import SORTABLE, Column, scrolling, table
from memcollect.reporters.price_words import price, without
from memcollect.reporters.sizes import size
from memcollect.reporters.words import command_of
from memcollect_agent.wire import Process

SIZES = tuple(Column(title, number=True) for title in ("PSS", "RSS", "Anon", "File", "Shmem"))
PROCESSES = (Column("PID", number=True), *SIZES, Column("Command", class_="command"))
SERVICES = (
    Column("Service"),
    Column("Processes", number=True),
    SIZES[0],
    *SIZES[2:],
    Column("Without it (predicted)", number=True),
)


def processes_part(pod: Pod) -> Iterator[Markup]:
    """Yield the tables of each container."""
    for container in pod.containers:
        if container.services:
            yield element("h3", "Services of ", name_of(container.name))
            yield scrolling("Services", table(SERVICES, _services(container.services), class_=SORTABLE))
            yield from (element("p", sentence) for sentence in without(container.services))
        if container.processes and container.role != "pause":
            yield element("h3", "Processes of ", name_of(container.name))
            yield scrolling("Processes", table(PROCESSES, _processes(container.processes), class_=SORTABLE))


def _processes(processes: Iterable[Process]) -> Iterator[list[str]]:
    for each in processes:
        shared = (each.pss_anon_bytes, each.pss_file_bytes, each.pss_shmem_bytes)
        numbers = [size(number) for number in (each.pss_bytes, each.rss_bytes, *shared)]
        yield [str(each.pid), *numbers, name_of(command_of(each))]


def _services(services: Iterable[Service]) -> Iterator[list[str]]:
    for each in services:
        shared = (each.pss_anon_bytes, each.pss_file_bytes, each.pss_shmem_bytes)
        yield [
            each.name,
            str(each.processes),
            *(size(number) for number in (each.pss_bytes, *shared)),
            price(each),
        ]
