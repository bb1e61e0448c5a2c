"""Runs in the guest: a cluster, snapshots of it in each state that matters, doctor on each thing broken.

    python -m lab.cluster_runner RESULTS

What every command printed goes to RESULTS/steps.json, the truth to readings.jsonl, and the documents beside.
"""

import calendar
import shutil
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import msgspec
from msgspec import Struct

from memcollect.lab.cluster import LabCluster
from memcollect.lab.demo_plan import LABELS, NAMESPACE, PODS, DemoPod, Work
from memcollect.lab.demo_pods import running, start, write_files
from memcollect.lab.layout import ContainerSpec, PlacedPod, PodSpec
from memcollect.lab.places import Places

NAMES = ("sandbox-workers", "sandbox-read-once", "sandbox-shm", "sandbox-init-tmpfs")
AGED_SECONDS = 8.0
"""As old as a number often is: long enough for a growing pod to have left its sample behind."""
HISTORY_SECONDS = 62.0
SNAPSHOT = ("memcollect", "snapshot", "--sample", "after-python", "--include-processes")
JSON = (*SNAPSHOT, "--format", "json", "-o")
DOCTOR = ("memcollect", "doctor")


class Ran(Struct, frozen=True, kw_only=True):
    """A command's outcome."""

    code: int
    out: str
    err: str


def pod(name: str, words: str) -> DemoPod:
    spec = PodSpec(name=name, containers=[ContainerSpec(name="sandbox")])
    return DemoPod(spec=spec, story="", works=[Work(words=words)])


GROWING = pod("sandbox-growing", "grow 1 360")
"""1 MiB a second for as long as the scenes take on a machine that is busy, and within the guest's memory."""
RESTARTING = pod("sandbox-restarting", "anon 16")
YOUNG = pod("sandbox-young", "anon 8")


class Runner:
    """One scene after the other, on one cluster."""

    def __init__(self, cluster: LabCluster, places: Places, stack: ExitStack) -> None:
        self.cluster = cluster
        self.places = places
        self.results = Path(places.results)
        self.stack = stack
        self.steps: dict[str, Ran] = {}

    def run(self, step: str, *command: str) -> None:
        done = self.cluster.run(command, cwd=str(self.results), environment={"COLUMNS": "80"})
        self.steps[step] = Ran(code=done.returncode, out=done.stdout, err=done.stderr)

    def start(self, demo_pod: DemoPod) -> None:
        self.stack.enter_context(running(self.cluster.kubelet, demo_pod, self.places, lambda _line: None))

    def hold_aged(self) -> None:
        """Hold the metrics API where the growing pod's number is of some age."""
        key = f"{NAMESPACE}/{GROWING.spec.name}"
        self.cluster.hold_metrics()
        self.cluster.settle()
        at = calendar.timegm(time.strptime(self.cluster.metrics()[key]["timestamp"], "%Y-%m-%dT%H:%M:%SZ"))
        time.sleep(max(0.0, at + AGED_SECONDS - time.time()))

    def aligned(self) -> None:
        self.hold_aged()
        self.run("aligned", *JSON, "aligned.json")
        self.run("kubectl-containers", "kubectl", "top", "pods", "-A", "--containers", "--no-headers")
        self.run("kubectl-pods", "kubectl", "top", "pods", "-A", "--no-headers")
        self.run("table", *SNAPSHOT)

    def restarted_and_young(self, restarting: PlacedPod) -> None:
        """With the metrics API still held: what it shows of these two is of before, or nothing."""
        again = self.cluster.kubelet.restart(restarting, "sandbox")
        tenant = start(again.containers["sandbox"], "anon 40", self.places)
        self.stack.callback(tenant.end)
        tenant.wait_ready()
        self.cluster.kubelet.started(again.spec, "sandbox")
        self.start(YOUNG)
        self.cluster.settle()
        self.run("restarted", *JSON, "restarted.json")
        self.cluster.release_metrics()

    def broken(self) -> None:
        cluster = self.cluster
        self.run("doctor-green", *DOCTOR, "--format", "json")
        cluster.change(metrics=False)
        self.run("doctor-no-metrics", *DOCTOR, "--format", "json")
        self.run("snapshot-no-metrics", *JSON, "no-metrics.json")
        cluster.change(denied=[{"verb": "list", "resource": "nodes"}, {"resource": "pods/portforward"}])
        self.run("doctor-no-rights", *DOCTOR, "--format", "json")
        cluster.change(forwarded=False)
        self.run("doctor-refused", *DOCTOR, "--format", "json")
        cluster.change()
        cluster.kill_agent()
        self.run("doctor-killed", *DOCTOR, "--format", "json")
        self.run("snapshot-killed", *JSON, "killed.json")
        cluster.end_agent()
        cluster.settle()
        self.run("doctor-no-agent", *DOCTOR, "--format", "json")

    def without_history(self) -> None:
        self.cluster.start_agent(history="off")
        self.hold_aged()
        self.run("doctor-no-history", *DOCTOR, "--format", "json")
        self.run("unaligned", *JSON, "unaligned.json")


def main(results: str) -> None:
    places = Places(
        cgroups="/sys/fs/cgroup",
        logs="/var/log",
        disk="/mnt/user-data",
        shm="/dev/shm",
        results=results,
        cluster="/run/memcollect",
    )
    with ExitStack() as stack:
        cluster = stack.enter_context(LabCluster(places))
        began = time.monotonic()
        runner = Runner(cluster, places, stack)
        write_files(places)
        for each in PODS:
            if each.spec.name in NAMES:
                runner.start(each)
        runner.start(GROWING)
        restarting = cluster.kubelet.place(RESTARTING.spec, LABELS)
        tenant = start(restarting.containers["sandbox"], RESTARTING.works[0].words, places)
        stack.callback(tenant.end)
        tenant.wait_ready()
        cluster.kubelet.started(RESTARTING.spec, "sandbox")
        wanted = [*NAMES, GROWING.spec.name, RESTARTING.spec.name]
        cluster.wait_for_metrics([f"{NAMESPACE}/{name}" for name in wanted])
        runner.aligned()
        runner.restarted_and_young(restarting)
        time.sleep(max(0.0, began + HISTORY_SECONDS - time.monotonic()))
        runner.broken()
        runner.without_history()
        shutil.copy(cluster.readings, results)
    (Path(results) / "steps.json").write_bytes(msgspec.json.encode(runner.steps))


if __name__ == "__main__":
    main(sys.argv[1])
