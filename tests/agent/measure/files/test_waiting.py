import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from memcollect_agent.errors import UnsupportedError
from memcollect_agent.measure.files import waiting
from memcollect_agent.measure.files.probe import Probed, Prober
from memcollect_agent.measure.files.waiting import LATE, UNREACHED, Waiting
from memcollect_agent.read.counted import Payers

MIB = 1 << 20
POD = 7
Asked = list[int]
"""Lengths of the files that were looked up, in their order."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Nothing is counted here: each file is charged to POD, as long as it is."""
    lengths: Asked = []

    def look_up(files: Sequence[tuple[int, int]], _root: str, _until: float) -> list[Payers]:
        lengths.extend(size for _, size in files)
        sizes = [os.fstat(fd).st_size for fd, _ in files]
        return [Payers(size, Counter({POD: size})) for size in sizes]

    monkeypatch.setattr(waiting, "owners_by_count", look_up)
    monkeypatch.setattr(waiting, "MOST_FILES", 3)
    return lengths


@pytest.fixture
def wait(tmp_path: Path) -> Iterator[Waiting]:
    made = Waiting("/proc", float("inf"), 60)
    yield made
    kept = [each for each in Path("/proc/self/fd").iterdir() if str(tmp_path) in os.path.realpath(each)]
    assert kept == [], "all that waited is closed"


def put(wait: Waiting, path: Path, size: int, cached: int | None = None) -> waiting.Identity:
    """Have a file of `size` bytes wait; no byte of it is written."""
    with path.open("wb") as file:
        file.truncate(size)
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        wait.add(file.fileno(), status, size if cached is None else cached)
    return status.st_dev, status.st_ino


def test_the_largest_are_looked_up_the_largest_first(wait: Waiting, asked: Asked, tmp_path: Path) -> None:
    files = [put(wait, tmp_path / str(size), size * MIB) for size in (2, 9, 1, 5, 3)]
    wait.settle()
    assert asked == [9 * MIB, 5 * MIB, 3 * MIB]
    found = [wait.settled.get(each) for each in files]
    assert [each and each.payers.owners for each in found] == [
        None,
        {POD: 9 * MIB},
        None,
        {POD: 5 * MIB},
        {POD: 3 * MIB},
    ]
    assert wait.unknown == ""


def test_a_file_that_grew_meanwhile_is_told_with_what_it_is_then(
    wait: Waiting, asked: Asked, tmp_path: Path
) -> None:
    prober = Prober(None, swaps=False, waiting=wait)
    device, inode = put(wait, tmp_path / "log", 2 * MIB)
    probed = Probed(
        device=device, inode=inode, size_bytes=2 * MIB, low_bytes=MIB, high_bytes=MIB, by="cachestat"
    )
    assert prober.settled(probed) == probed
    os.truncate(tmp_path / "log", 3 * MIB)
    wait.settle()
    assert asked == [3 * MIB]
    settled = prober.settled(probed)
    assert (settled.size_bytes, settled.low_bytes, settled.high_bytes) == (3 * MIB, 3 * MIB, 3 * MIB)
    assert settled.payers == {POD: 3 * MIB}


def test_a_file_is_looked_up_once_though_several_pods_have_it(
    wait: Waiting, asked: Asked, tmp_path: Path
) -> None:
    put(wait, tmp_path / "layer", 2 * MIB)
    put(wait, tmp_path / "layer", 2 * MIB)
    wait.settle()
    put(wait, tmp_path / "layer", 2 * MIB)
    wait.settle()
    assert asked == [2 * MIB]


@pytest.mark.usefixtures("asked")
def test_a_file_that_was_left_out_for_larger_ones_may_wait_again(wait: Waiting, tmp_path: Path) -> None:
    for size in (2, 9, 5, 3):
        put(wait, tmp_path / str(size), size * MIB)
    wait.settle()
    small = put(wait, tmp_path / "2", 2 * MIB)
    wait.settle()
    assert wait.settled[small].payers.owners == {POD: 2 * MIB}


def test_no_more_is_mapped_than_page_tables_may_take(wait: Waiting, asked: Asked, tmp_path: Path) -> None:
    most = waiting.MOST_BYTES
    put(wait, tmp_path / "beyond", most + MIB)
    put(wait, tmp_path / "first", most - 2 * MIB)
    put(wait, tmp_path / "second", 3 * MIB)
    put(wait, tmp_path / "third", 2 * MIB)
    wait.settle()
    assert asked == [most - 2 * MIB, 2 * MIB]


def test_why_nobody_is_known_to_pay_is_told_and_not_tried_again(
    wait: Waiting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_files: Sequence[tuple[int, int]], _root: str, _until: float) -> list[Payers]:
        raise UnsupportedError("this machine has more pages than one question may look through")

    monkeypatch.setattr(waiting, "owners_by_count", refuse)
    put(wait, tmp_path / "one", MIB)
    wait.settle()
    assert wait.unknown == "this machine has more pages than one question may look through"
    put(wait, tmp_path / "two", MIB)
    wait.settle()
    assert wait.settled == {}


def test_files_of_which_no_page_was_found_lie_beyond_what_the_kernel_tells(
    wait: Waiting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "owners_by_count", lambda files, _root, _until: [None] * len(files))
    put(wait, tmp_path / "one", MIB)
    wait.settle()
    assert wait.unknown == UNREACHED


def test_when_the_time_is_over_that_is_why(tmp_path: Path) -> None:
    spent = Waiting("/proc", 0.0, 60)
    put(spent, tmp_path / "one", MIB)
    spent.settle()
    assert spent.unknown == LATE
