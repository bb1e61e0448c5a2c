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

SUITE = Path(__file__).parents[1] / "cluster"


def test_the_cluster_suite_passes_skips_nothing_and_leaves_nothing(kernel: Kernel, tmp_path: Path) -> None:
    daemon_set = manifests.daemon_set(manifests.rendered("base"))
    (tmp_path / "daemonset.json").write_text(json.dumps(daemon_set))
    machine = uml.Machine(
        kernel=kernel,
        command=[
            *(sys.executable, "-m", "lab.deploy_cluster", str(tmp_path / "daemonset.json")),
            *("-p", "no:cacheprovider", "--color=no", "--rootdir", str(SUITE.parents[1]), "-q", str(SUITE)),
        ],
        memory_bytes=1 << 30,
        time_limit_seconds=900,
    )
    said: list[str] = []
    outcome = uml.boot(machine, said.append)
    report = "\n".join([*said, *outcome.errors])
    assert outcome.exit_code == 0, report
    assert re.search(r"\d+ passed in ", report), report
    assert "skipped" not in report, report
