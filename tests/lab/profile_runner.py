"""Runs in the guest: one plan on two backends, then with one byte of its work changed, then compared.

    python -m lab.profile_runner RESULTS

The backends are Pod manifests: `disk` keeps its files on ext4 and runs one process, `memory` keeps them in
tmpfs and forks workers. Everything goes through the commands, as a user runs them; the bundles, what each
command printed (steps.json) and the comparisons stay in RESULTS.
"""

import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec

from lab.cluster_runner import Ran
from lab.profile_cluster import ProfiledNode
from memcollect.testing import Cluster, StandInCluster

ARTIFACT_MIB = 24
WORKERS_MIB = 12
PLAN = """
name = "lab"
version = "1"
repeats = {repeats}
poll = "100ms"
[settle]
within = "1Mi"
over = "1s"
at_most = "20s"
[source]
kind = "template"
file = "{manifest}"
ready_within = "30s"
[[phases]]
name = "empty"
do = "nothing"
[[phases]]
name = "after-bash"
do = "exec"
command = ["sh", "-c", "ls -l /usr/bin > /dev/null; sleep 600 > /dev/null 2>&1 &"]
[[phases]]
name = "after-artifact"
do = "exec"
command = ["sh", "-c", "cd /mnt/user-data && head -c {size} /dev/zero > a.bin && sync && cksum a.bin"]
"""
MANIFEST = """
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: sandbox
    image: memcollect-lab/deer-flow:1
    command: [{python}, -m, memcollect.lab.workloads, {work}]
    volumeMounts: [{{name: user-data, mountPath: /mnt/user-data}}]
  volumes:
  - name: user-data
    emptyDir: {volume}
"""


class Runner:
    """Runs commands against the cluster and keeps what they said."""

    def __init__(self, results: Path, kubeconfig: Path) -> None:
        self._results = results
        self._kubeconfig = kubeconfig
        self.steps: dict[str, Ran] = {}
        self.seconds: dict[str, float] = {}

    def run(self, step: str, *words: str) -> None:
        began = time.monotonic()
        command = [sys.executable, "-m", "memcollect", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self._results)  # ours
        self.steps[step] = Ran(code=done.returncode, out=done.stdout, err=done.stderr)
        self.seconds[step] = round(time.monotonic() - began, 1)

    def profile(self, step: str, backend: str, repeats: int, size: int) -> None:
        plan = self._results / f"{step}.toml"
        plan.write_text(PLAN.format(repeats=repeats, manifest=f"{backend}.yaml", size=size))
        options = ["--backend", backend, "-o", step, "--kubeconfig", str(self._kubeconfig)]
        self.run(step, "profile", plan.name, *options)


def write_manifests(results: Path) -> None:
    """Write the two backends."""
    backends = {
        "disk": ("anon, '1'", "{}"),
        "memory": (f"workers, '4', '{WORKERS_MIB}'", "{medium: Memory}"),
    }
    for name, (work, volume) in backends.items():
        text = MANIFEST.format(python=sys.executable, work=work, volume=volume)
        (results / f"{name}.yaml").write_text(text)


def main(results: Path) -> None:
    cluster = Cluster()
    node = ProfiledNode(cluster, Path("/run/node"))
    agent = node.start_agent()
    stop = threading.Event()
    metrics = threading.Thread(target=node.feed_metrics, args=(stop,))
    metrics.start()
    write_manifests(results)
    with StandInCluster(cluster) as server:
        runner = Runner(results, Path(server.kubeconfig("/run/kubeconfig")))
        runner.profile("disk", "disk", 3, ARTIFACT_MIB << 20)
        runner.profile("memory", "memory", 3, ARTIFACT_MIB << 20)
        runner.profile("changed", "memory", 1, (ARTIFACT_MIB << 20) + 1)
        stop.set()
        metrics.join()
    agent.terminate()
    agent.communicate()
    (results / "steps.json").write_bytes(msgspec.json.encode(runner.steps))
    (results / "seconds.json").write_bytes(msgspec.json.encode(runner.seconds))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
