"""The demo without an API: the plan's pods, `top` by cAdvisor's formula, `memcollect snapshot --local`.

For an environment that lacks the libraries of the cluster; see demo_cluster for the whole way.
"""

import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import msgspec

from memcollect.lab.demo_plan import PODS
from memcollect.lab.demo_pods import Progress, running, write_files
from memcollect.lab.demo_top import sample_tops
from memcollect.lab.errors import LabError
from memcollect.lab.kubelet import Kubelet
from memcollect.lab.layout import Layout
from memcollect.lab.places import Places

SETTLE_SECONDS = 2.2
"""memory.stat is flushed every 2 s (mm/memcontrol.c): after that long at rest nothing is stale."""
GROWTH_SECONDS = 4.0
"""How long the pod that grows is left to itself between `top` and the snapshot."""


def play(places: Places, on_progress: Progress) -> Path:
    """Lay out the pods, run their workloads, take the snapshot; return its file. All of it ends with that.

    Raises LabError when a workload or the snapshot fails.
    """
    results = Path(places.results)
    with ExitStack() as stack:
        write_files(places)
        kubelet = Kubelet(Layout(Path(places.cgroups), Path(places.logs)), "", None)
        stack.callback(kubelet.remove_all)
        for pod in PODS:
            stack.enter_context(running(kubelet, pod, places, on_progress))
        time.sleep(SETTLE_SECONDS)
        on_progress("sampling what kubectl top would show; sandbox-growing goes on growing")
        tops = results / "tops.json"
        tops.write_bytes(msgspec.json.encode(sample_tops([pod.spec for pod in PODS], places.cgroups)))
        time.sleep(GROWTH_SECONDS)
        on_progress("memcollect snapshot --local --sample demo")
        return _snapshot(places, tops, results / "snapshot.json")


def _snapshot(places: Places, tops: Path, document: Path) -> Path:
    document.unlink(missing_ok=True)
    command = [
        *(sys.executable, "-m", "memcollect", "snapshot", "--local", "--sample", "demo"),
        *("--include-processes", "--process-limit", "5", "--top-file", str(tops)),
        *("--cgroup-root", places.cgroups, "--log-root", places.logs),
        *("--format", "json", "-o", str(document)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- ourselves
    if not document.exists():
        raise LabError(f"the snapshot failed ({done.returncode}): {done.stderr.strip()[-500:]}")
    return document
