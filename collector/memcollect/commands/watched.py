"""Rounds of a live view one after another: in a thread, for a screen, or one by one, for a pipe."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from msgspec import Struct

from memcollect.commands.cluster import plan_of
from memcollect.commands.connection import ClusterOptions, PodOptions
from memcollect.commands.local import local_request
from memcollect.commands.options import BoundOptions, MachineOptions
from memcollect.live.model import Sort, World
from memcollect.watching.watch import Watch

SHORTEST_PATIENCE_SECONDS = 5.0


class TopOptions(Struct, frozen=True, kw_only=True):
    """What `memcollect top` was told."""

    interval: float
    sort: Sort
    limit: int | None
    once: bool
    rounds: int | None
    local: bool
    bounds: BoundOptions
    pods: PodOptions
    cluster: ClusterOptions
    patterns: tuple[str, ...]
    machine: MachineOptions


def watch_of(options: TopOptions) -> Watch:
    """Return what the options say is to be watched. Raises a CollectorError where that cannot be."""
    return _local(options) if options.local else _cluster(options)


def _local(options: TopOptions) -> Watch:
    from memcollect.watching.local import LocalWatch  # noqa: PLC0415 # only where it measures

    return LocalWatch(local_request(options.machine, options.patterns, options.bounds))


def _cluster(options: TopOptions) -> Watch:
    # Imported here: the official client takes a second, which --local and --help need not wait for.
    from memcollect.sources.api import Patience  # noqa: PLC0415
    from memcollect.sources.portforward import port_forwarding  # noqa: PLC0415
    from memcollect.watching.cluster import ClusterWatch  # noqa: PLC0415

    plan = plan_of(options.pods, options.cluster, options.bounds)
    cluster = options.cluster.cluster
    seconds = min(options.cluster.request_timeout, max(options.interval, SHORTEST_PATIENCE_SECONDS))
    patience = Patience(timeout=seconds, total=seconds, tries=2)
    return ClusterWatch(cluster, plan, patience, port_forwarding(cluster))


class Rounds:
    """Rounds in a thread of their own; `world` is what is known by now.

    `rounds`: how many; None: until `stop`. What ended them too early is `error`.
    """

    def __init__(self, watch: Watch, interval: float, rounds: int | None) -> None:
        self._watch = watch
        self._interval = interval
        self._left = rounds
        self._stop = threading.Event()
        self._ended = threading.Event()
        self.world: World | None = None
        self.version = 0
        """Changes whenever `world` does."""
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="memcollect rounds", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more; what is under way is not waited for."""
        self._stop.set()

    @property
    def ended(self) -> bool:
        """Whether there are no more to come."""
        return self._ended.is_set()

    def _changed(self, world: World) -> None:
        self.world = world
        self.version += 1

    def _run(self) -> None:
        try:
            while not self._stop.is_set() and self._left != 0:
                self._left = None if self._left is None else self._left - 1
                began = time.monotonic()
                self._watch.round(self._interval, self._changed, self._stop.is_set)
                if self._left != 0:
                    rest = self._interval - (time.monotonic() - began)
                    self._watch.wait(rest, self._changed, self._stop.is_set)
        except Exception as error:  # noqa: BLE001 # raised again where the screen has been left
            self.error = error
        finally:
            self._ended.set()
            self._watch.close()


def one_by_one(
    watch: Watch, rounds: int, interval: float, timeout: float, show: Callable[[World], bool]
) -> World:
    """Show the world after each round, until `show` says that nobody looks; return the last one.

    The first round waits for as long as an agent may take, since there is nothing to show without it.
    """
    try:
        for left in reversed(range(rounds)):
            began = time.monotonic()
            first = left == rounds - 1
            world = watch.round(timeout + 1.0 if first else interval, lambda _: None, lambda: False)
            if not show(world) or not left:
                break
            watch.wait(interval - (time.monotonic() - began), lambda _: None, lambda: False)
        return world
    finally:
        watch.close()
