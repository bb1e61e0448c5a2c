"""`memcollect demo` as a user runs it, and the same on a machine's own cgroups (the guest being one)."""

import json
import math
import re
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import pytest

from lab.explained import ladder_of, residuals_of, steps_of
from memcollect.documents.snapshot import Snapshot
from memcollect.lab import uml
from memcollect.lab.demo import TIME_LIMIT_SECONDS
from memcollect.lab.demo_plan import PODS
from memcollect.lab.kernels import Kernel
from worlds import children

pytestmark = pytest.mark.lab

MIB = 1 << 20


@pytest.fixture(scope="module")
def demo(kernel: Kernel, tmp_path_factory: pytest.TempPathFactory) -> tuple[Snapshot, str, float]:
    document = tmp_path_factory.mktemp("demo") / "demo.json"
    version = ".".join(kernel.release.split(".")[:2])
    target = ["--format", "json", "-o", str(document)]
    command = [sys.executable, "-m", "memcollect", "demo", "--kernel", version, *target]
    began = time.monotonic()
    done = children.run(command, timeout=TIME_LIMIT_SECONDS)
    assert done.returncode == 0, done.stderr
    snapshot = msgspec.json.decode(document.read_bytes(), type=Snapshot)
    return snapshot, done.stderr, time.monotonic() - began


def test_it_says_how_long_it_took_and_what_to_try_next(demo: tuple[Snapshot, str, float]) -> None:
    _, said, seconds = demo
    (took,) = re.findall(r"done in (\d+) s\. What to try next", said)
    assert 1 <= int(took) <= math.ceil(seconds)
    assert "memcollect explain demo.json" in said.splitlines()[-3]


def test_every_pod_has_a_name_a_verdict_and_a_ladder_to_top(demo: tuple[Snapshot, str, float]) -> None:
    snapshot, _, _ = demo
    assert {pod.name for pod in snapshot.pods} == {pod.spec.name for pod in PODS}
    for pod in snapshot.pods:
        assert (pod.namespace, bool(pod.verdict)) == ("deer-flow", True)
        assert pod.ladder is not None
        assert pod.ladder.rungs[-1].rung == "top"
        assert pod.ladder.rungs[-1].bytes is not None
        assert pod.top is not None
        assert pod.top.source == "metrics.k8s.io"


def test_every_number_of_top_is_aligned_and_the_document_says_whose_it_is(
    demo: tuple[Snapshot, str, float],
) -> None:
    snapshot, _, _ = demo
    assert snapshot.mode == "cluster"
    for pod in snapshot.pods:
        assert pod.top is not None
        assert pod.top.working_set_at_sample_bytes is not None, (pod.name, pod.top.detail)
        if pod.name != "sandbox-growing":
            assert pod.top.status == "reconciled", (pod.name, pod.top.detail)
    assert "stand-in for API server and metrics-server" in snapshot.notes[-1]


def test_nothing_in_the_document_or_on_the_way_names_a_directory_of_this_machine(
    demo: tuple[Snapshot, str, float],
) -> None:
    snapshot, said, _ = demo
    own = (sys.prefix, sys.base_prefix + "/lib", str(Path(__file__).parents[2]), tempfile.gettempdir())
    text = msgspec.json.encode(snapshot).decode() + said.replace(said.splitlines()[-6], "")
    assert [each for each in own if each in text] == []


def test_every_residual_is_within_its_bound_and_every_step_closed(demo: tuple[Snapshot, str, float]) -> None:
    snapshot, _, _ = demo
    for pod in snapshot.pods:
        outside = {name: each for name, each in residuals_of(pod).items() if not each.within_bound}
        assert outside == {}, pod.name
        assert [step for step in steps_of(pod) if not step.closed] == [], pod.name


@pytest.mark.parametrize(
    ("pod", "cause", "mib"),
    [
        ("sandbox-workers", "double_counted", 4 * 24),
        ("sandbox-read-once", "cold_cache", 32),
        ("sandbox-read-thrice", "hot_cache", 24),
        ("sandbox-after-artifact", "hot_cache", 24),
        ("sandbox-shm", "shmem", 28),
        ("sandbox-madv-free", "lazyfree", 32),
        ("sandbox-init-tmpfs", "dead_containers", 18),
        ("sandbox-pays-for-model", "lent_file", 20),
        ("sandbox-uses-model", "borrowed_file", 20),
    ],
)
def test_each_sandbox_shows_what_was_done_in_it(
    demo: tuple[Snapshot, str, float], pod: str, cause: str, mib: int
) -> None:
    """Beside the interpreter's own pages, which are Python's and no truth by construction."""
    snapshot, _, _ = demo
    (found,) = [each for each in snapshot.pods if each.name == pod]
    amounts = [abs(each.estimate_bytes or 0) for each in found.findings if each.cause == cause]
    slack = 48 * MIB if cause == "double_counted" else 2 * MIB
    assert amounts
    assert mib * MIB - MIB <= max(amounts) <= mib * MIB + slack


def test_growth_after_the_sample_is_drift_and_not_residual(demo: tuple[Snapshot, str, float]) -> None:
    snapshot, _, _ = demo
    (pod,) = [each for each in snapshot.pods if each.name == "sandbox-growing"]
    (container,) = [each for each in pod.containers if each.name == "sandbox"]
    assert pod.top is not None
    assert pod.top.timestamp is not None
    assert container.cgroup is not None
    assert container.cgroup.read_at is not None
    (step,) = [each for each in ladder_of(pod, "pod").steps if each.to_rung == "working_set_at_sample"]
    grown = -sum(term.estimate_bytes for term in step.terms if term.term == "drift")
    seconds = container.cgroup.read_at - pod.top.timestamp - 0.5
    assert abs(grown - seconds * MIB) <= (pod.top.tolerance_bytes or 0) + MIB


def test_on_a_machine_of_its_own_it_uses_a_scratch_cgroup_and_removes_it(
    kernel: Kernel, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    program = f"""
import json, os
from pathlib import Path
from memcollect.lab import demo
os.environ["TMPDIR"] = "/run/data"
problem = demo.host_problem()
played = demo.run_demo(Path("/run"), lambda line: None)
left = [entry.name for entry in Path("/sys/fs/cgroup").iterdir() if entry.is_dir()]
left += os.listdir("/dev/shm") + os.listdir("/run/data") + os.listdir("/var/log")
pods = len(json.loads(played.snapshot.read_text())["pods"])
Path({str(report)!r}).write_text(json.dumps([problem, pods, left]))
"""
    machine = uml.Machine(kernel=kernel, command=[sys.executable, "-c", program], disk_bytes=192 * MIB)
    outcome = uml.boot(machine)
    assert outcome.exit_code == 0, outcome.errors
    assert json.loads(report.read_text()) == [None, len(PODS), ["lost+found"]]


def test_one_pod_explained_with_its_files_names_the_artifact_and_its_size() -> None:
    """On a kernel that tells who pays for a file's pages, and not on whichever is installed."""
    explaining = "explain sandbox-after-artifact --files"
    command = [sys.executable, "-m", "memcollect", "demo", "--kernel", "7.2", "--run", explaining]
    done = children.run(command, timeout=TIME_LIMIT_SECONDS)
    assert done.returncode == 0, done.stderr
    flat = " ".join(done.stdout.split())
    artifact = "/mnt/user-data/outputs/report.bin"
    assert f"The largest file in memory is {artifact}: 24 MiB of its pages are charged to this pod." in flat
    assert f"24.0 MiB {artifact} (a mounted disk, charged to" in flat
