"""The same on trees recorded from one kernel, for machines that cannot boot one."""

from pathlib import Path

import msgspec
import pytest

from lab.runtime_checks import CHECKS
from lab.runtime_truth import Played
from memcollect_agent.measure.sample import Roots, sample_node
from memcollect_agent.wire import SampleRequest

FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.mark.parametrize("name", CHECKS)
def test_each_runtimes_memory_is_told_for_what_it_is(name: str) -> None:
    tree = FIXTURES / f"lab-runtime-{name.replace('_', '-')}"
    known = msgspec.json.decode((tree / "scene.json").read_bytes(), type=Played)
    roots = Roots(proc=str(tree / "proc"), cgroup=str(tree / "sys/fs/cgroup"), sys=str(tree / "sys"))
    sample = sample_node(SampleRequest(process_limit=20, sandboxes=True), roots)
    assert sample.problems == []
    CHECKS[name](msgspec.structs.replace(known, sample=sample))
