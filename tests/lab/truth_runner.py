"""Runs in the guest: every workload in turn, one result file each, a line of progress each.

    python -m lab.truth_runner PROGRAM RESULTS [WORKLOAD …]

A workload that fails leaves a Failed document; the others run all the same.
"""

import os
import sys
import time
import traceback
from pathlib import Path

import msgspec

from lab.stage import FLUSH_SECONDS, Stage, take_back
from lab.truth import Failed, Measured
from lab.workloads import WORKLOADS
from memcollect_agent.measure.sample import Roots, sample_node
from memcollect_agent.wire import SampleRequest


def measure(name: str, stage: Stage) -> Measured:
    """Play one workload, take its sample with the agent as it is shipped, and see what the kernel takes."""
    truths = WORKLOADS[name](stage)
    time.sleep(FLUSH_SECONDS)
    specs = [pod.spec for pod in stage.pods]
    request = SampleRequest(pod_uids=[spec.uid for spec in specs], process_limit=5)
    sample = msgspec.structs.replace(sample_node(request, Roots()), history=stage.remembered())
    containers = {spec.container_id(each.name): each.name for spec in specs for each in spec.containers}
    return Measured(
        workload=name,
        kernel=os.uname().release,
        truths=truths,
        pods={spec.name: spec.uid for spec in specs},
        containers=containers,
        sample=sample,
        given_back={
            pod.spec.name: take_back(pod) for pod in stage.pods if (pod.cgroup / "memory.reclaim").exists()
        },
    )


def main(program: str, results: Path, names: list[str]) -> None:
    """Run the workloads named; none: all."""
    for name in names or WORKLOADS:
        stage = Stage(program)
        began = time.monotonic()
        document: Measured | Failed
        try:
            document = measure(name, stage)
        except Exception:  # noqa: BLE001 -- the next workload runs whatever this one met
            document = Failed(workload=name, kernel=os.uname().release, error=traceback.format_exc())
        finally:
            stage.clear()
        (results / f"{name}.json").write_bytes(msgspec.json.encode(document))
        sys.stdout.write(f"{name} {type(document).__name__.lower()} {time.monotonic() - began:.1f}s\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
