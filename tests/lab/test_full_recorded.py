"""What the full lab measured on a distribution's kernel, judged again without a boot."""

import gzip
from pathlib import Path

import msgspec
import pytest

from lab.explained import explained
from lab.truth import Measured
from lab_full.checks import CHECKS
from lab_full.runner import ALL

RECORDED = Path(__file__).parents[1] / "fixtures" / "full-kernel-6.12"
"""By how the kernel was set: on each line a workload's document, as `make lab-full` keeps it."""
FILES = sorted(RECORDED.glob("*.jsonl.gz"))

NEWER = {
    *("removed_container_that_looked_up_names", "limits_set_inside", "many_open_files"),
    *("limit_above_nearly_used_up", "swap_limit_above_reached"),
    *("mixture_1", "mixture_2", "mixture_3", "mixture_4"),
}
"""Workloads that were written after this was recorded: only User-Mode Linux has played them so far."""


def documents(file: Path) -> list[Measured]:
    lines = gzip.decompress(file.read_bytes()).splitlines()
    return [msgspec.json.decode(line, type=Measured) for line in lines]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name.partition(".")[0])
def test_what_is_said_of_every_workload_is_what_was_made(file: Path) -> None:
    measured = documents(file)

    assert {each.workload for each in measured} == ALL.keys() - NEWER
    wrong = {
        (each.workload, name): problems
        for each in measured
        for snapshot in [explained(each)]
        for name, check in CHECKS.items()
        if (problems := check(each, snapshot))
    }
    assert wrong == {}


def test_a_setting_is_recorded() -> None:
    assert FILES != []
