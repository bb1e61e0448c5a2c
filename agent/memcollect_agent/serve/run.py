"""The service put together: history, listener, health port, and an end at SIGTERM."""

import functools
import logging
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import msgspec
from msgspec import Struct, field

from memcollect_agent.errors import ListenError
from memcollect_agent.history import Recorder, Settings, Ticker
from memcollect_agent.history.followed import FILES_OF_EACH
from memcollect_agent.measure.sample import Roots, sample_node
from memcollect_agent.metrics.ledger import Ledger
from memcollect_agent.read.hanging import Watch
from memcollect_agent.serve.addresses import Address, listen
from memcollect_agent.serve.allocator import keep_small
from memcollect_agent.serve.health import HealthPort
from memcollect_agent.serve.listener import Listener
from memcollect_agent.serve.metrics import MetricsOptions, Surroundings, require_library, start_metrics
from memcollect_agent.serve.service import Permissions, Sampling, Service
from memcollect_agent.serve.waiting import where
from memcollect_agent.serve.wsgi import application
from memcollect_agent.wire import DEFAULT_PORT

_log = logging.getLogger(__name__)

SPARE_DESCRIPTORS = 256
"""For the listeners, their connections and the files of a sampling."""


class Options(Struct, frozen=True, kw_only=True):
    """How the service was started."""

    listen: Address = Address("127.0.0.1", DEFAULT_PORT)
    health_listen: Address | None = Address("0.0.0.0", 7071)  # noqa: S104 - the kubelet probes from outside
    """None: no health port."""
    metrics: MetricsOptions | None = None
    """None: no metrics port."""
    roots: Roots = field(default_factory=Roots)
    node_name: str | None = None
    history: Settings | None = field(default_factory=Settings)
    """None: no history is kept."""
    permissions: Permissions = field(default_factory=Permissions)


@contextmanager
def started(options: Options) -> Iterator[Listener]:
    """Start history, health port and metrics port, and yield a listener that is bound but does not run yet.

    Raises ListenError.
    """
    if not options.listen.is_loopback:
        raise ListenError(
            f"{options.listen} is not on the loopback: whoever reaches the agent can read what runs on this "
            "node, so it listens on 127.0.0.1 or [::1], and Kubernetes' port-forward leads there"
        )
    if options.metrics is not None:
        require_library()
    with ExitStack() as stack:
        sock = stack.enter_context(listen(options.listen))
        health = stack.enter_context(listen(options.health_listen)) if options.health_listen else None
        metrics = stack.enter_context(listen(options.metrics.listen)) if options.metrics else None
        watch = Watch()
        recorder, stalled = _history(options, stack, watch)
        sampling = functools.partial(
            sample_node,
            roots=options.roots,
            node_name=options.node_name,
            allow_full_commands=options.permissions.full_commands,
        )
        asked: Sampling = sampling
        metered: Callable[[], str] = str
        if options.metrics is not None and metrics is not None:
            ledger = Ledger()
            asked = ledger.timed("sample", ledger.sampled(sampling))
            around = Surroundings(
                roots=options.roots, sampling=sampling, recorder=recorder, ledger=ledger, watch=watch
            )
            metered = start_metrics(stack, options.metrics, metrics, around)
        service = Service(watch.watched(asked), recorder, options.permissions)

        def degraded() -> str:
            return watch.exhausted() or stalled() or service.degraded() or metered()

        if health is not None:
            stack.enter_context(HealthPort(health, lambda: not degraded()))
        yield Listener(application(service, degraded, watch.hanging), sock, service.held.is_awaited)


def run(options: Options) -> None:
    """Serve until SIGTERM or SIGINT. Raises ListenError."""
    before = signal.signal(signal.SIGTERM, _end)
    keep_small()
    try:
        with started(options) as listener:
            _log.info("listening on %s, health on %s", options.listen, options.health_listen)
            listener.run()
    except SystemExit:
        # SIGTERM outside the loop: before it began, or after it ended.
        return
    finally:
        signal.signal(signal.SIGTERM, before)


def _history(options: Options, stack: ExitStack, watch: Watch) -> tuple[Recorder | None, Callable[[], str]]:
    if options.history is None:
        return None, lambda: ""
    settings = msgspec.structs.replace(_within_descriptors(options.history), proc_root=options.roots.proc)
    recorder = Recorder(options.roots.cgroup, settings)
    ticker = stack.enter_context(Ticker(recorder, watch))
    return recorder, functools.partial(_why_stalled, ticker)


def _why_stalled(ticker: Ticker) -> str:
    if not ticker.alive:
        return "the history has ended"
    since = ticker.stalled_seconds
    return f"the history has read nothing for {since:.0f} s{where(ticker.thread_id)}" if since else ""


def _within_descriptors(settings: Settings) -> Settings:
    """Ask for as many descriptors as are allowed, and follow no more cgroups than they suffice for.

    What is left of them lets the files of followed ones stay open.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.max_cgroups + FILES_OF_EACH * settings.max_kept_open + SPARE_DESCRIPTORS
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    free = max(soft - SPARE_DESCRIPTORS, 0)
    most = min(settings.max_cgroups, free)
    kept_open = min(settings.max_kept_open, (free - most) // FILES_OF_EACH)
    return msgspec.structs.replace(settings, max_cgroups=most, max_kept_open=kept_open)


def _end(*_: object) -> None:
    raise SystemExit(0)
