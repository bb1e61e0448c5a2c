"""Situations of public reports (tests/fixtures/cases), told by the whole command.

Each folder holds the trees of its nodes, the API's pods and the metrics API's answers. `told` serves them
with the agent's own service on each tree and the stand-in API server, and runs `memcollect` in this process.
The agent's history is made of the tree as it stands: it reads the same numbers a few times, on a clock that
is set back, so that a metrics sample of a second ago lies between two points.
"""

import contextlib
import functools
import gzip
import io
import os
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
from msgspec import Struct

from memcollect.commands.run import run
from memcollect.documents.files import read_snapshot
from memcollect.documents.snapshot import Container, Finding, Missing, Pod, Snapshot
from memcollect.testing import NODE_METRICS, NODES, POD_METRICS, PODS, Cluster, StandInCluster, objects
from memcollect_agent.history import Recorder, Settings
from memcollect_agent.history.clocks import Clocks
from memcollect_agent.measure.sample import Roots, sample_node
from memcollect_agent.wire import DEFAULT_PORT
from worlds.agent_trees import FIXTURES
from worlds.live_cluster import AGENT_LABELS, environment
from worlds.served_agents import served

CASES = FIXTURES / "cases"
NAMES = tuple(sorted(path.name for path in CASES.iterdir() if path.is_dir()))
EVERYTHING = ("-n", "team", "--selector", "", "--include-processes")
"""What a case is asked for where a test does not say."""
WIDTH = 110
_POINTS = 8
_STAMP = "%Y-%m-%dT%H:%M:%SZ"


class Told(Struct, frozen=True):
    """What the command said of a case."""

    code: int
    text: str
    """The report for a terminal."""
    words: str
    """The same as one line without line breaks, to look for sentences."""
    errors: str
    """What went to stderr."""
    snapshot: Snapshot

    def pod(self, name: str = "") -> Pod:
        """Return the pod of that name, with or without its namespace; the only one where none is given."""
        found = [
            each for each in self.snapshot.pods if name in ("", each.name, f"{each.namespace}/{each.name}")
        ]
        assert len(found) == 1, [each.name for each in self.snapshot.pods]
        return found[0]

    def container(self, name: str, pod: str = "") -> Container:
        """Return a pod's container."""
        return next(each for each in self.pod(pod).containers if each.name == name)

    def verdict(self, pod: str = "") -> str:
        """Return the pod's verdict."""
        return self.pod(pod).verdict

    def findings(self, cause: str, pod: str = "") -> list[Finding]:
        """Return the pod's findings of that cause."""
        return [each for each in self.pod(pod).findings if each.cause == cause]

    def missing(self, name: str) -> Missing:
        """Return what is told of something that was not measured."""
        return next(each for each in self.snapshot.missing if name in each.name)


@functools.cache
def told(case: str, *arguments: str) -> Told:
    """Return what `memcollect snapshot` says of the case `case` with these arguments, run once."""
    with _cluster(CASES / case) as options:
        return _run(["snapshot", *(arguments or EVERYTHING), *options])


@functools.cache
def told_of_nodes(case: str, *arguments: str) -> Told:
    """Return what `memcollect node` says of the case's nodes."""
    with _cluster(CASES / case) as options:
        return _run(["node", *arguments, *options])


@functools.cache
def told_locally(case: str, *arguments: str) -> Told:
    """Return what `memcollect snapshot --local` says on the case's only node."""
    with tempfile.TemporaryDirectory() as scratch:
        (roots,) = _trees(CASES / case, Path(scratch)).values()
        trees = ["--proc-root", roots.proc, "--cgroup-root", roots.cgroup, "--sys-root", roots.sys]
        return _run(["snapshot", "--local", *trees, "--log-root", scratch, *arguments])


@contextlib.contextmanager
def roots_of(case: str) -> Iterator[dict[str, Roots]]:
    """Yield the trees of the case's nodes, by the nodes' names."""
    with tempfile.TemporaryDirectory() as scratch:
        yield _trees(CASES / case, Path(scratch))


def stored(case: str, name: str) -> Snapshot:
    """Return a document that the case keeps compressed: what a real kernel was measured to do."""
    return msgspec.json.decode(gzip.decompress((CASES / case / name).read_bytes()), type=Snapshot)


def _run(arguments: list[str]) -> Told:
    out, errors = io.StringIO(), io.StringIO()
    surroundings = environment(COLUMNS=str(WIDTH))
    with (
        tempfile.TemporaryDirectory() as scratch,
        mock.patch.dict(os.environ, surroundings, clear=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(errors),
    ):
        path = f"{scratch}/told.json"
        code = run(arguments, "memcollect")
        run([*arguments, "--format", "json", "-o", path], "memcollect")
        snapshot = read_snapshot(path)
    text = out.getvalue()
    return Told(code, text, " ".join(text.split()), errors.getvalue(), snapshot)


@contextlib.contextmanager
def _cluster(case: Path) -> Iterator[list[str]]:
    """Serve the case; yield the options that point a command at it."""
    pods, metrics = _items(case / "pods.json"), _items(case / "podmetrics.json")
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as stack:
        state = Cluster()
        server = stack.enter_context(StandInCluster(state))
        trees = _trees(case, Path(scratch))
        names = {pod["spec"].get("nodeName") for pod in pods} - {None} or {"node-1"}
        for name in sorted(names | trees.keys()):
            state.put(NODES, objects.node(name))
            if name in trees:
                _serve(state, name, stack.enter_context(_agent(trees[name])))
        shift = _shift(metrics, pods)
        for pod in pods:
            state.put(PODS, _moved(pod, shift))
        for usage in metrics:
            state.put(POD_METRICS, _moved(usage, shift))
        of_nodes = _items(case / "nodemetrics.json")
        for usage in of_nodes:
            state.put(NODE_METRICS, _moved(usage, _shift(of_nodes)))
        yield ["--kubeconfig", str(server.kubeconfig(Path(scratch) / "kubeconfig"))]


def _serve(state: Cluster, node: str, port: int) -> None:
    pod = objects.pod("memcollect", f"agent-{node}", node=node, labels=AGENT_LABELS)
    pod["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    state.put(PODS, pod)
    state.forward("memcollect", f"agent-{node}", DEFAULT_PORT, to=("127.0.0.1", port))


@contextlib.contextmanager
def _agent(roots: Roots) -> Iterator[int]:
    recorder = _remembering(roots)
    try:
        with served(functools.partial(sample_node, roots=roots), recorder) as port:
            yield port
    finally:
        recorder.close()


def _remembering(roots: Roots) -> Recorder:
    """Return a recorder with points of the last seconds and one of now."""
    back = float(_POINTS)
    clocks = Clocks(wall=lambda: time.time() - back, monotonic=lambda: time.monotonic() - back)
    recorder = Recorder(roots.cgroup, Settings(interval_seconds=1.0, clocks=clocks))
    for point in reversed(range(_POINTS)):
        back = float(point)
        recorder.tick()
    return recorder


def _trees(case: Path, scratch: Path) -> dict[str, Roots]:
    """Unpack the case's nodes; return their roots by the nodes' names."""
    trees = {}
    for archive in sorted(case.glob("node*.tar.gz")):
        place = scratch / archive.name
        with tarfile.open(archive) as tar:
            tar.extractall(place, filter="tar")
        (cgroup,) = place.glob("*/cgroup")
        base = cgroup.parent
        name = (base / "proc/sys/kernel/hostname").read_text().strip()
        trees[name] = Roots(proc=f"{base}/proc", cgroup=f"{base}/cgroup", sys=f"{base}/sys")
    return trees


def _items(path: Path) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = msgspec.json.decode(path.read_bytes())["items"] if path.exists() else []
    return items


def _shift(metrics: list[dict[str, Any]], pods: Sequence[dict[str, Any]] = ()) -> float:
    """Return by how many seconds the case is moved, so that its newest sample is of a second ago.

    Where a container was started after that, its start is: no start is ahead of the node's clock.
    """
    known = [taken for each in metrics if (taken := _seconds(each.get("timestamp"))) is not None]
    return time.time() - 1 - max([*known, *_starts(pods)]) if known else 0.0


def _starts(pods: Sequence[dict[str, Any]]) -> Iterator[float]:
    for pod in pods:
        for each in pod["status"].get("containerStatuses", ()):
            started = _seconds(each["state"].get("running", {}).get("startedAt"))
            if started is not None:
                yield started


def _moved(value: Any, shift: float) -> Any:
    """Return the value with every time in it moved; what is no time stays as it is."""
    if isinstance(value, dict):
        return {key: _moved(each, shift) for key, each in value.items()}
    if isinstance(value, list):
        return [_moved(each, shift) for each in value]
    taken = _seconds(value)
    return value if taken is None else datetime.fromtimestamp(taken + shift, UTC).strftime(_STAMP)


def _seconds(value: Any) -> float | None:
    try:
        return datetime.strptime(value, _STAMP).replace(tzinfo=UTC).timestamp()
    except (TypeError, ValueError):
        return None
