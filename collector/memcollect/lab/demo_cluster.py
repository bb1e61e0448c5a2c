"""The demo the whole way: a cluster of one node, its pods at work, and memcollect asking its API."""

import shlex
from contextlib import ExitStack
from pathlib import Path

from msgspec import Struct

from memcollect.lab.cluster import LabCluster
from memcollect.lab.demo_plan import NAMESPACE, PODS
from memcollect.lab.demo_pods import Progress, running, write_files
from memcollect.lab.errors import LabError
from memcollect.lab.places import Places

COMMAND = ("snapshot", "--sample", "demo", "--include-processes", "--process-limit", "5")
OUTPUT = "run-{number}.{what}"


class Runs(Struct, frozen=True, kw_only=True):
    """memcollect's command lines to run in the cluster, without the program's name; none: the snapshot."""

    commands: list[list[str]] = []
    directory: str | None = None
    """Where they run, for the files they write."""
    columns: int = 80
    pace: str = "quick"
    """How fast the metrics API's numbers come; a name of cadvisor.PACES."""
    empty: bool = False
    """Without the plan's pods: for commands that make sandboxes of their own."""


def play(places: Places, runs: Runs, on_progress: Progress) -> None:
    """Set the cluster up, run what is wanted, leave the results in files, end all of it.

    snapshot.json, or for each command run-N.out, run-N.err and run-N.code. Raises LabError.
    """
    results = Path(places.results)
    with ExitStack() as stack:
        on_progress("starting an agent, and the demo's own API server and metrics-server")
        cluster = stack.enter_context(LabCluster(places, runs.pace))
        if not runs.empty:
            _fill(cluster, places, stack, on_progress)
        if not runs.commands:
            _snapshot(cluster, results / "snapshot.json", on_progress)
        for number, words in enumerate(runs.commands):
            on_progress(f"memcollect {shlex.join(words)}")
            _run(cluster, words, runs, results / OUTPUT.format(number=number, what="{what}"), on_progress)


def _fill(cluster: LabCluster, places: Places, stack: ExitStack, on_progress: Progress) -> None:
    write_files(places)
    for pod in PODS:
        stack.enter_context(running(cluster.kubelet, pod, places, on_progress))
    on_progress("waiting until metrics.k8s.io shows every pod: two readings of each container")
    cluster.wait_for_metrics([f"{NAMESPACE}/{pod.spec.name}" for pod in PODS])


def _snapshot(cluster: LabCluster, document: Path, on_progress: Progress) -> None:
    on_progress(f"memcollect {' '.join(COMMAND)}")
    done = cluster.run(["memcollect", *COMMAND, "--format", "json", "-o", str(document)])
    if not document.exists():
        raise LabError(f"the snapshot failed ({done.returncode}): {done.stderr.strip()[-500:]}")


def _run(cluster: LabCluster, words: list[str], runs: Runs, output: Path, on_progress: Progress) -> None:
    """Run a command; what it tells of its way is progress, what it prints is kept in a file."""
    environment = {"COLUMNS": str(runs.columns)}
    done = cluster.run(
        ["memcollect", *words],
        runs.directory,
        environment,
        lambda line: on_progress(line.removeprefix("memcollect: ")),
    )
    for what, text in (("out", done.stdout), ("code", str(done.returncode))):
        Path(str(output).format(what=what)).write_text(text)
