"""The metrics port put together, if it was asked for: readings, passes, page and port."""

import socket
from collections.abc import Callable
from contextlib import ExitStack
from importlib.util import find_spec

from msgspec import Struct, field

from memcollect_agent.errors import ListenError, StalledError
from memcollect_agent.history import Recorder
from memcollect_agent.measure.sample import Roots
from memcollect_agent.metrics.catalogue import Series
from memcollect_agent.metrics.http import MAX_REQUEST_BYTES, answering
from memcollect_agent.metrics.ledger import Ledger
from memcollect_agent.metrics.node import Limits, read_node, unreadable
from memcollect_agent.metrics.pss import PssPasses
from memcollect_agent.metrics.readings import NodeReading
from memcollect_agent.read.hanging import Watch
from memcollect_agent.serve.addresses import Address
from memcollect_agent.serve.flights import HANGING_SECONDS
from memcollect_agent.serve.port import Bounds, Port
from memcollect_agent.serve.service import Sampling
from memcollect_agent.serve.waiting import where
from memcollect_agent.wire import HistoryRequest

BOUNDS = Bounds(connections=32, request_bytes=MAX_REQUEST_BYTES, seconds=30.0, held_bytes=16 << 20)
"""Over a bad line too a page is taken in less; a page of 1000 containers has 4 MB, compressed 0.1."""

_NO_LIBRARY = (
    "--metrics-listen needs the package prometheus_client, which is not installed: "
    "install memcollect[agent,metrics], or start the agent without this option"
)


class MetricsOptions(Struct, frozen=True, kw_only=True):
    """How the metrics were asked for."""

    listen: Address
    limits: Limits = field(default_factory=Limits)
    pss_interval_seconds: float | None = None
    """None: no PSS."""
    series: Series = "all"


def require_library() -> None:
    """Raise ListenError, with what to install, where prometheus_client is missing."""
    if find_spec("prometheus_client") is None:
        raise ListenError(_NO_LIBRARY)


class Surroundings(Struct, frozen=True, kw_only=True):
    """What of the service the metrics are about."""

    roots: Roots
    sampling: Sampling
    recorder: Recorder | None
    ledger: Ledger
    watch: Watch = field(default_factory=Watch)


def start_metrics(
    stack: ExitStack, options: MetricsOptions, listener: socket.socket, service: Surroundings
) -> Callable[[], str]:
    """Serve the page on `listener` until `stack` is left; return what tells what hangs, "" for nothing."""
    # Here, since only an agent that was told to serve metrics has (and pays for) the library.
    from memcollect_agent.metrics.page import Page, Sources  # noqa: PLC0415

    passes = _passes(stack, options, service)
    recorder = service.recorder
    sources = Sources(
        lambda: read_node(service.roots, options.limits),
        service.ledger,
        # Of no pod: only what the recorder says of itself.
        lambda: recorder.history(HistoryRequest(pod_uids=[])) if recorder else None,
        lambda: passes.latest if passes else None,
        options.series,
        run=lambda read: _read_on(service, read),
    )
    port = stack.enter_context(Port(listener, answering(Page(sources)), BOUNDS, "metrics"))

    def degraded() -> str:
        if port.answering_seconds > HANGING_SECONDS:
            return f"a scrape has not ended for {port.answering_seconds:.0f} s{where(port.thread_id)}"
        if passes is None or passes.working_seconds <= HANGING_SECONDS:
            return ""
        return (
            f"a pass over all PSS has not ended for {passes.working_seconds:.0f} s{where(passes.thread_id)}"
        )

    return degraded


def _read_on(service: Surroundings, read: Callable[[], NodeReading]) -> NodeReading:
    """Return what `read` returns, without the files whose read hangs; or why nothing is read."""
    try:
        return service.watch.run(read)
    except StalledError as error:
        return unreadable(service.roots, error)


def _passes(stack: ExitStack, options: MetricsOptions, service: Surroundings) -> PssPasses | None:
    if options.pss_interval_seconds is None:
        return None
    measured = service.watch.watched(service.ledger.timed("pss", service.ledger.sampled(service.sampling)))
    return stack.enter_context(PssPasses(measured, options.pss_interval_seconds))
