"""On made-up kernel files, whose counts rise and fall as files are mapped; and on this machine's own."""

import array
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from memcollect_agent.errors import AgentError, ReadError, UnsupportedError
from memcollect_agent.read import counted, frames
from memcollect_agent.read.counted import CODES, MOST_FILES, Counted, Payers, owners_by_count
from memcollect_agent.read.pages import PageOwners

PAGE = os.sysconf("SC_PAGE_SIZE")
MIB = 1 << 20
PODS, NEIGHBOURS = 13565, 5 << 32 | 17
FILES = [(101, 3 * PAGE), (102, 2000 * PAGE)]
"""Descriptors that are none of this process's: nothing of these files is ever opened here."""


def owners_of(found: list[Payers | None]) -> list[Counter[int] | None]:
    return [each.owners if each else None for each in found]


class Machine:
    """kpagecount and kpagecgroup in a directory, in which the made-up files have some pages."""

    def __init__(self, root: Path, pages: int) -> None:
        self.root = root
        self.counts = [0] * pages
        self.owners = [0] * pages
        self.of_file: dict[int, range] = {}
        self.meanwhile: Callable[[int, int], None] = lambda _fd, _times: None
        """Called when a file was mapped so many times: what others do to the counts then."""

    def put(self, fd: int, pages: range, owner: int, count: int = 0) -> None:
        """Have these pages be a file's, charged to `owner`, and mapped by others already."""
        known = self.of_file.get(fd)
        self.of_file[fd] = range(known.start, pages.stop) if known else pages
        for page in pages:
            self.owners[page], self.counts[page] = owner, count

    def map(self, file: Counted, wanted: int) -> None:
        """Take the place of Counted.map_as_often_as."""
        pages = self.of_file[file.fd]
        before = len(file.maps)
        file.maps = [[] for _ in range(wanted)]
        for page in pages:
            self.counts[page] += wanted - before
        file.resident_bytes = max(file.resident_bytes, len(pages) * PAGE)
        self.meanwhile(file.fd, wanted)
        self.write()

    def write(self) -> None:
        for name, words in (("kpagecount", self.counts), ("kpagecgroup", self.owners)):
            (self.root / name).write_bytes(array.array("Q", words).tobytes())

    def told(self) -> list[Counter[int] | None]:
        self.write()
        return owners_of(owners_by_count(FILES, str(self.root), time.monotonic() + 600))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine of 70,003 pages, the last block of which is not full; each file is charged to two."""
    made = Machine(tmp_path, 70_003)
    made.put(101, range(70_000, 70_001), PODS)
    made.put(101, range(70_001, 70_003), NEIGHBOURS, count=254)
    made.put(102, range(300, 1800), PODS, count=1)
    made.put(102, range(1800, 2300), NEIGHBOURS)

    def mapping(file: Counted, wanted: int) -> None:
        made.map(file, wanted)

    monkeypatch.setattr(Counted, "map_as_often_as", mapping)
    return made


def test_each_page_is_told_by_its_files_code_and_by_who_pays(machine: Machine) -> None:
    assert machine.told() == [
        Counter({PODS: PAGE, NEIGHBOURS: 2 * PAGE}),
        Counter({PODS: 1500 * PAGE, NEIGHBOURS: 500 * PAGE}),
    ]
    assert [machine.counts[page] for page in (300, 1800, 70_002)] == [1, 0, 254], "all maps were taken back"


def test_what_others_map_meanwhile_is_no_page_of_any_file(machine: Machine) -> None:
    """Even where it goes by a file's very numbers, unless it also comes back when our own maps go."""
    machine.owners[5000:5010] = [NEIGHBOURS] * 10
    quiet = machine.told()

    def rise(fd: int, times: int) -> None:
        if fd == 101 and times:
            machine.counts[5000:5010] = [times] * 10
            machine.counts[6000:6010] = [times] * 10

    machine.meanwhile = rise
    assert machine.told() == quiet


def test_where_many_pages_were_missed_nothing_is_said_of_that_file(machine: Machine) -> None:
    others = iter(range(1, 1000))

    def restless(_fd: int, _times: int) -> None:
        number = next(others)
        for page in range(300, 400):
            machine.counts[page] += number

    machine.meanwhile = restless
    first, second = machine.told()
    assert (first, second) == (Counter({PODS: PAGE, NEIGHBOURS: 2 * PAGE}), None)


def test_pages_that_are_nobodys_are_not_counted_and_missed(machine: Machine) -> None:
    machine.owners[300:2300] = [0] * 2000
    assert machine.told()[1] is None


def test_a_file_that_cannot_be_mapped_leaves_the_others_known(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: Counted, wanted: int) -> None:
        if file.fd == 102 and wanted:
            raise OSError(19, "No such device")
        machine.map(file, wanted)

    monkeypatch.setattr(Counted, "map_as_often_as", refuse)
    assert machine.told() == [Counter({PODS: PAGE, NEIGHBOURS: 2 * PAGE}), None]


def test_no_two_files_have_one_code_and_more_files_than_codes_are_not_told(tmp_path: Path) -> None:
    assert len({*CODES}) == MOST_FILES
    assert all(first != second and min(first, second) > 1 for first, second in CODES)
    assert all(max(code) < 16 for code in CODES), "both numbers of a code go into one byte"
    files = [(100 + number, 0) for number in range(MOST_FILES + 1)]
    Machine(tmp_path, 1).write()
    told = owners_of(owners_by_count(files, str(tmp_path), time.monotonic() + 600))
    assert told == [Counter()] * MOST_FILES + [None]


def test_what_cannot_be_looked_through_is_an_error_and_no_answer(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.write()
    with pytest.raises(ReadError, match="time for this question"):
        owners_by_count(FILES, str(tmp_path), time.monotonic())
    monkeypatch.setattr(counted, "MOST_PAGES", counted.READ_PAGES)
    with pytest.raises(UnsupportedError, match="more pages"):
        machine.told()
    (tmp_path / "kpagecount").unlink()
    with pytest.raises(UnsupportedError, match="CONFIG_PROC_PAGE_MONITOR"):
        owners_by_count(FILES, str(tmp_path), time.monotonic() + 600)


@pytest.fixture
def shm() -> Iterator[Path]:
    """A directory of a real tmpfs, whose pages stay where they are while nothing is swapped."""
    here = Path(tempfile.mkdtemp(prefix="memcollect-test-", dir="/dev/shm"))
    yield here
    shutil.rmtree(here)


def test_on_this_machine_it_is_what_page_numbers_tell(shm: Path) -> None:
    if os.sysconf("SC_PHYS_PAGES") > frames.MOST_PAGES // 2:
        pytest.skip("this machine has more pages than a test may look through")
    paths = [shm / "large", shm / "small", shm / "sparse"]
    for path, size in zip(paths, (6 * MIB, 2 * MIB, MIB), strict=True):
        path.write_bytes(b"x" * size)
    os.truncate(paths[2], 64 * MIB)
    opened = [path.open("rb") for path in paths]
    try:
        files = [(each.fileno(), path.stat().st_size) for each, path in zip(opened, paths, strict=True)]
        with PageOwners() as owners:
            expected = [owners.of(*file) for file in files]
        if not all(expected):
            pytest.skip("this kernel's kpagecgroup does not reach all pages")
        told = owners_by_count(files, "/proc", time.monotonic() + 600)
    except AgentError as error:
        pytest.skip(str(error))
    finally:
        for each in opened:
            each.close()
    for size, by_count, by_number in zip((6, 2, 1), told, expected, strict=True):
        assert by_count is not None
        assert by_count.resident_bytes >= by_count.owners.total()
        assert abs(by_count.owners.total() - size * MIB) <= MIB // 4
        assert by_count.owners.most_common(1)[0][0] == by_number.most_common(1)[0][0]
