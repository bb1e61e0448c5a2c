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


def play(places: Places, runs: Runs, on_progress: Progress) -> None:
    """Set the cluster up, run what is wanted, leave the results in files, end all of it.

    snapshot.json, or for each command run-N.out, run-N.err and run-N.code. Raises LabError.
    """
    results = Path(places.results)
    with ExitStack() as stack:
        on_progress("starting an agent, and the demo's own API server and metrics-server")
        cluster = stack.enter_context(
            LabCluster(Path(places.cgroups), Path(places.logs), Path(places.cluster), runs.pace)
        )
        write_files(places)
        for pod in PODS:
            stack.enter_context(running(cluster.kubelet, pod, places, on_progress))
        on_progress("waiting until metrics.k8s.io shows every pod: two readings of each container")
        cluster.wait_for_metrics([f"{NAMESPACE}/{pod.spec.name}" for pod in PODS])
        if not runs.commands:
            _snapshot(cluster, results / "snapshot.json", on_progress)
        for number, words in enumerate(runs.commands):
            on_progress(f"memcollect {shlex.join(words)}")
            _run(cluster, words, runs, results, number)


def _snapshot(cluster: LabCluster, document: Path, on_progress: Progress) -> None:
    on_progress(f"memcollect {' '.join(COMMAND)}")
    done = cluster.run(["memcollect", *COMMAND, "--format", "json", "-o", str(document)])
    if not document.exists():
        raise LabError(f"the snapshot failed ({done.returncode}): {done.stderr.strip()[-500:]}")


def _run(cluster: LabCluster, words: list[str], runs: Runs, results: Path, number: int) -> None:
    environment = {"COLUMNS": str(runs.columns)}
    done = cluster.run(["memcollect", *words], cwd=runs.directory, environment=environment)
    for what, text in (("out", done.stdout), ("err", done.stderr), ("code", str(done.returncode))):
        (results / OUTPUT.format(number=number, what=what)).write_text(text)
