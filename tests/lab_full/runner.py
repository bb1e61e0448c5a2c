"""Runs in the guest: workloads under one pass; what is measured of each is a line of JSON, said at once.

    python3 -m lab_full.runner PROGRAM PASS [WORKLOAD …]

A workload that fails leaves a Failed document; the others run all the same.
"""

import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import msgspec

from lab.stage import FLUSH_SECONDS, take_back
from lab.truth import Failed, Measured, Truth
from lab.workloads import WORKLOADS
from lab_full.passes import PASSES, Pass
from lab_full.stage import FullStage
from lab_full.workloads import FULL_WORKLOADS
from memcollect.lab.full.recipe import DISKS
from memcollect_agent.measure.sample import Roots, sample_node
from memcollect_agent.wire import SampleRequest
from worlds import children

REPLACED = ("locked_file", "killed_for_want_of_memory_on_the_node")
"""Workloads of the small lab that the full one has with more to say of them."""
ALL: dict[str, Callable[[FullStage], list[Truth]]] = {
    **{name: each for name, each in WORKLOADS.items() if name not in REPLACED},
    **FULL_WORKLOADS,
}
_MAKE = {
    "data": ["mkfs.ext4", "-q", "-F"],
    "xfs": ["mkfs.xfs", "-q", "-f"],
    "small": ["mkfs.ext4", "-q", "-F", "-b", "1024"],
    "swap": ["mkswap"],
}


def prepare() -> None:
    """Make and mount the file systems of the empty disks, swap to the last of them; once a boot suffices.

    systemd mounts /run so that no program on it runs, and there the stage keeps its own.
    """
    _run(["mount", "-o", "remount,exec", "/run"])
    for letter, (name, where) in zip("bcde", DISKS.items(), strict=True):
        device = f"/dev/vd{letter}"
        if where and os.path.ismount(where):
            continue
        if not where and device in Path("/proc/swaps").read_text():
            continue
        _run([*_MAKE[name], device])
        if where:
            Path(where).mkdir(exist_ok=True)
        _run(["mount", device, where] if where else ["swapon", device])


def measure(name: str, stage: FullStage) -> Measured:
    """Play one workload, take its sample with the agent as it is shipped, and see what the kernel takes."""
    truths = ALL[name](stage)
    time.sleep(FLUSH_SECONDS)
    specs = [pod.spec for pod in stage.pods]
    request = SampleRequest(pod_uids=[spec.uid for spec in specs], process_limit=5)
    sample = msgspec.structs.replace(sample_node(request, Roots()), history=stage.remembered())
    containers = {spec.container_id(each.name): each.name for spec in specs for each in spec.containers}
    return Measured(
        workload=name,
        kernel=os.uname().release,
        setting=stage.setting.name,
        truths=truths,
        pods={spec.name: spec.uid for spec in specs},
        containers=containers,
        sample=sample,
        given_back={pod.spec.name: take_back(pod) for pod in stage.pods},
    )


def play(name: str, setting: Pass, program: str) -> Measured | Failed:
    """Return what was measured of a workload, or why nothing was."""
    stage = FullStage(program, setting)
    try:
        return measure(name, stage)
    except Exception:  # noqa: BLE001 -- the next workload runs whatever this one met
        return Failed(
            workload=name,
            kernel=os.uname().release,
            setting=setting.name,
            error=traceback.format_exc(),
        )
    finally:
        stage.clear()


def main(program: str, setting: Pass, names: list[str]) -> None:
    """Run the workloads named; none: all."""
    prepare()
    setting.apply()
    for name in names or ALL:
        document = play(name, setting, program)
        sys.stdout.buffer.write(msgspec.json.encode(document) + b"\n")
        sys.stdout.flush()


def _run(command: list[str]) -> None:
    children.run(command, check=True)


if __name__ == "__main__":
    main(sys.argv[1], PASSES[sys.argv[2]], sys.argv[3:])
