"""The page that a scraper gets: in the form it accepts, compressed if it accepts that, at most one a second.

A reading and its page are made by the first who asks and given to all who ask within MIN_SECONDS, so the
node pays for one reading however many scrapers, or strangers, there are.
"""

import gzip
import time
from collections.abc import Callable, Iterator

from prometheus_client import ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest as generate_text
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector, CollectorRegistry

from memcollect_agent.metrics.catalogue import Series
from memcollect_agent.metrics.families import agent_families, node_families, pss_families
from memcollect_agent.metrics.ledger import Ledger
from memcollect_agent.metrics.pss import PssReading
from memcollect_agent.metrics.readings import NodeReading
from memcollect_agent.wire import History

MIN_SECONDS = 1.0
GZIP_LEVEL = 1
"""A page shrinks to a twentieth at this level, and to little less at any higher one."""


class Sources:
    """Where the page's numbers come from."""

    def __init__(  # noqa: PLR0913 - where each part of the page comes from, all of it named
        self,
        read: Callable[[], NodeReading],
        ledger: Ledger,
        history: Callable[[], History | None] = lambda: None,
        pss: Callable[[], PssReading | None] = lambda: None,
        series: Series = "all",
        *,
        run: Callable[[Callable[[], NodeReading]], NodeReading] = lambda read: read(),
    ) -> None:
        """`run` may have the reading done in another thread, by whose clock it is then charged."""
        self._timed, self._run = ledger.timed("scrape", read), run
        self.ledger = ledger
        self.history = history
        self.pss = pss
        self.series = series

    def read(self) -> NodeReading:
        """Look at the node."""
        return self._run(self._timed)


class _Families(Collector):
    """One reading of everything, as a registry asks for it."""

    def __init__(self, sources: Sources) -> None:
        node = sources.read()
        sources.ledger.note_problems(node.problems)
        sources.ledger.note_vanished(node.vanished)
        self._metrics = [
            *node_families(node, sources.series),
            *pss_families(node, sources.pss()),
            *agent_families(sources.ledger.account(), sources.history()),
            *ProcessCollector(registry=None).collect(),
        ]

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics

    def describe(self) -> Iterator[Metric]:
        # Asked for to find names that are registered twice: there is one collector.
        return iter(())


class Page:
    """Answers scrapes. To be used from one thread."""

    def __init__(self, sources: Sources, clock: Callable[[], float] = time.monotonic) -> None:
        self._sources = sources
        self._clock = clock
        self._read_at = float("-inf")
        self._registry = CollectorRegistry()
        self._written: dict[tuple[bool, bool], bytes] = {}

    def get(self, *, openmetrics: bool, compressed: bool) -> bytes:
        """Return the page's bytes in that form."""
        if self._clock() - self._read_at >= MIN_SECONDS:
            self._registry = CollectorRegistry()
            self._registry.register(_Families(self._sources))
            self._written = {}
            self._read_at = self._clock()
        plain = self._form((openmetrics, False), lambda: self._generate(openmetrics=openmetrics))
        if not compressed:
            return plain
        return self._form((openmetrics, True), lambda: gzip.compress(plain, GZIP_LEVEL, mtime=0))

    def _form(self, key: tuple[bool, bool], make: Callable[[], bytes]) -> bytes:
        if key not in self._written:
            self._written[key] = make()
        return self._written[key]

    def _generate(self, *, openmetrics: bool) -> bytes:
        generate = generate_openmetrics if openmetrics else generate_text
        page: bytes = generate(self._registry)
        return page
