"""The suite for real clusters, proven on a real kernel with a stand-in API server and a kubelet played."""

import json
import re
import sys
from pathlib import Path

import pytest

from memcollect.lab import uml
from memcollect.lab.kernels import Kernel
from worlds import manifests

pytestmark = pytest.mark.lab

SKIPPED = ["this cluster has a metrics API"]
SUITE = Path(__file__).parents[1] / "cluster"


def test_the_cluster_suite_passes_and_leaves_nothing(kernel: Kernel, tmp_path: Path) -> None:
    (tmp_path / "manifests.json").write_text(json.dumps(manifests.rendered("base")))
    machine = uml.Machine(
        kernel=kernel,
        command=[
            *(sys.executable, "-m", "lab.deploy_cluster", str(tmp_path / "manifests.json")),
            *("-p", "no:cacheprovider", "--color=no", "--rootdir", str(SUITE.parents[1]), "-q"),
            *("-m", "cluster", "--timeout", "900", str(SUITE)),
        ],
        memory_bytes=1 << 30,
        time_limit_seconds=1500,
    )
    said: list[str] = []
    outcome = uml.boot(machine, said.append)
    report = "\n".join([*said, *outcome.errors])
    assert outcome.exit_code == 0, report
    assert re.search(r"\d+ passed, 1 skipped, \d+ deselected in ", report), report
    assert "left behind: []" in report, report
    skipped = re.findall(r"\bskipped +(.+)", report)
    assert skipped == SKIPPED, report
