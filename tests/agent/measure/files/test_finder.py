"""On the real files of this machine: what this process itself made, held and mapped."""

import errno
import mmap
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from memcollect_agent.errors import AgentError, DeniedError, UnsupportedError
from memcollect_agent.measure.files import held, places, waiting, walk
from memcollect_agent.measure.files.finder import FileFinder, order
from memcollect_agent.measure.files.probe import Prober
from memcollect_agent.measure.files.waiting import UNREACHED
from memcollect_agent.parse import mountinfo
from memcollect_agent.read import frames
from memcollect_agent.read.cgroupfs import CgroupFs
from memcollect_agent.read.openat2 import PATH_ONLY, WITHIN, open_at
from memcollect_agent.read.pages import PageOwners
from memcollect_agent.read.procfs import ProcFs
from memcollect_agent.wire import FileUse, Payer, PodFiles

MIB = 1 << 20


def make_cgroup(directory: Path, stat: str = f"file {64 * MIB}\nshmem {32 * MIB}\n") -> CgroupFs:
    directory.mkdir(exist_ok=True)
    (directory / "memory.stat").write_text(stat)
    (directory / "cgroup.procs").write_text(f"{os.getpid()}\n")
    return CgroupFs(str(directory))


@pytest.fixture
def shm() -> Iterator[Path]:
    """A directory of a real tmpfs."""
    here = Path(tempfile.mkdtemp(prefix="memcollect-test-", dir="/dev/shm"))
    mounts = mountinfo.parse(Path("/proc/self/mountinfo").read_bytes())
    try:
        fd = os.open(here, os.O_PATH)
        os.close(open_at(fd, ".", PATH_ONLY, WITHIN))
        os.close(fd)
        if not any(each.target == "/dev/shm" and each.file_system == "tmpfs" for each in mounts):
            pytest.skip("/dev/shm is no tmpfs here")
        yield here
    except UnsupportedError as error:
        pytest.skip(str(error))
    finally:
        shutil.rmtree(here)


def found(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    limit: int = 1 << 20,
    seconds: float = 60,
    most_descriptors: int = 1 << 20,
) -> PodFiles:
    """Look for the files of this process, in few of the machine's own.

    What is first in order is what the cgroup pays for, and this one is made up: it pays for nothing. So no
    file is left out for its place in the order, unless a test asks for it.
    """
    monkeypatch.setattr(walk, "MAX_FILES", 2000)
    # All pages of a machine are seconds of work: they are looked through in the lab.
    monkeypatch.setattr(frames, "MOST_PAGES", frames.BLOCK_PAGES)
    # This process has what other tests have left open, too.
    monkeypatch.setattr(held, "MAX_DESCRIPTORS", most_descriptors)
    with ProcFs("/proc") as proc, make_cgroup(tmp_path / "cgroup").open() as directory:
        finder = FileFinder(proc, limit=limit, seconds=seconds, swaps=False)
        try:
            return finder.of(directory, [os.getpid()])
        finally:
            finder.close()


def named(files: PodFiles, path: str) -> FileUse:
    known = [use for use in files.files if use.path == path]
    assert len(known) == 1, (
        files.gaps,
        len(files.files),
        files.others,
        len([*Path("/proc/self/fd").iterdir()]),
    )
    return known[0]


def test_an_open_file_of_a_tmpfs_is_named_with_exactly_what_it_takes(
    shm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (shm / "sparse").open("wb") as file:
        file.truncate(256 * MIB)
        file.seek(100 * MIB)
        file.write(b"x" * (5 * MIB))
        file.flush()
        use = named(found(tmp_path, monkeypatch), str(shm / "sparse"))
    assert (use.resident_low_bytes, use.resident_high_bytes) == (5 * MIB, 5 * MIB)
    assert (use.place, use.is_shmem, use.size_bytes) == ("tmpfs", True, 256 * MIB)
    assert use.pids == [os.getpid()]


def test_a_descriptor_that_cannot_be_looked_at_does_not_hide_the_others(
    shm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = places.mount_id_in

    def fail(path: str) -> int | None:
        if path.endswith("/0"):
            raise OSError(errno.EIO, "of a kind that nobody knows")
        return read(path)

    monkeypatch.setattr(places, "mount_id_in", fail)
    with (shm / "held").open("wb") as file:
        file.write(b"x" * (2 * MIB))
        file.flush()
        assert named(found(tmp_path, monkeypatch), str(shm / "held")).pids == [os.getpid()]


def test_descriptors_beyond_the_bound_are_told_as_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        files = found(tmp_path, patched, most_descriptors=1)
    (gap,) = [each for each in files.gaps if "descriptors were not looked at" in each.detail]
    assert (gap.place, gap.reason) == ("/proc/PID/fd", "budget")


def test_memfds_and_deleted_files_are_named_though_no_directory_does(
    shm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memfd = os.memfd_create("model weights")
    os.write(memfd, b"x" * (3 * MIB))
    with (shm / "gone").open("wb") as file:
        file.write(b"x" * (2 * MIB))
        file.flush()
        (shm / "gone").unlink()
        files = found(tmp_path, monkeypatch)
    os.close(memfd)
    use = named(files, "/memfd:model weights (deleted)".removesuffix(" (deleted)"))
    assert (use.place, use.resident_low_bytes, use.resident_high_bytes) == ("memfd", 3 * MIB, 3 * MIB)
    use = named(files, str(shm / "gone"))
    assert (use.place, use.resident_high_bytes, use.pids) == ("deleted", 2 * MIB, [os.getpid()])


def test_shared_memory_without_a_file_is_known_from_below_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = mmap.mmap(-1, 4 * MIB)
    pages.write(b"x" * (4 * MIB))
    files = found(tmp_path, monkeypatch)
    pages.close()
    mine = [use for use in files.files if use.place == "shared"]
    assert max(use.resident_low_bytes or 0 for use in mine) >= 4 * MIB
    assert all(use.resident_high_bytes is None and use.by == "smaps" and use.is_shmem for use in mine)


def test_a_program_that_runs_is_at_least_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = found(tmp_path, monkeypatch)
    mapped = {use.path for use in files.files if os.getpid() in use.pids and not use.is_shmem}
    assert any(".so" in path for path in mapped)


def test_files_beyond_the_limit_are_counted_and_added_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = found(tmp_path, monkeypatch, limit=2)
    assert len(files.files) == 2
    assert files.others > 0
    assert files.others_bytes > 0


def test_without_page_numbers_who_pays_is_told_by_the_pages_counts(
    shm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.sysconf("SC_PHYS_PAGES") > frames.MOST_PAGES // 2:
        pytest.skip("this machine has more pages than a test may look through")

    def refuse(_owners: PageOwners, _fd: int, _size: int) -> Counter[int]:
        raise DeniedError("pagemap", "page numbers are told to CAP_SYS_ADMIN alone")

    try:
        PageOwners().close()
    except AgentError as error:
        pytest.skip(str(error))
    monkeypatch.setattr(PageOwners, "of", refuse)
    # No larger file is looked up, and none beside it, whatever this machine has in memory.
    size = 24 * MIB
    monkeypatch.setattr(waiting, "MOST_BYTES", size)
    with (shm / "large").open("wb") as file:
        file.write(b"x" * size)
        file.flush()
        files = found(tmp_path, monkeypatch, seconds=600)
    use = named(files, str(shm / "large"))
    if use.payers is None and files.payers_unknown == UNREACHED:
        pytest.skip(files.payers_unknown)
    assert use.payers is not None, (files.payers_unknown, files.gaps)
    assert abs(sum(each.bytes for each in use.payers) - size) <= MIB // 4
    assert files.payers_unknown == ""


OWN, OTHERS = 7, 9


def use_of(path: str, resident: int, *payers: tuple[int, int]) -> FileUse:
    """Return a file; without `payers`, as (inode, bytes), nobody was looked up."""
    known = [Payer(cgroup_inode=inode, bytes=size) for inode, size in payers]
    return FileUse(
        path=path,
        place="disk",
        resident_low_bytes=resident,
        resident_high_bytes=resident,
        payers=known or None,
    )


def test_what_the_pod_pays_for_comes_first_and_small_files_come_last() -> None:
    in_order = [
        use_of("/paid", 300 * MIB, (OWN, 30 * MIB), (OTHERS, 270 * MIB)),
        use_of("/perhaps", 20 * MIB),
        use_of("/others", 400 * MIB, (OTHERS, 400 * MIB - 4096), (OWN, 4096)),
        use_of("/also-others", 300 * MIB, (OTHERS, 300 * MIB)),
        *(use_of(f"/tiny-{number:03}", MIB // 2) for number in range(500)),
        use_of("/tinier", 4096),
    ]
    backwards = in_order[::-1]
    assert sorted(backwards, key=lambda use: order(use, {OWN})) == in_order


def test_where_little_is_cached_no_file_is_looked_for(tmp_path: Path) -> None:
    cgroups = make_cgroup(tmp_path / "cgroup", f"file {MIB // 2}\nshmem 0\n")
    with ProcFs("/proc") as proc, cgroups.open() as directory:
        files = FileFinder(proc, limit=10, seconds=60, swaps=False).of(directory, [os.getpid()])
    assert (files.files, files.looked_at, files.gaps) == ([], 0, [])
    assert files.before == {"file": MIB // 2, "shmem": 0}


def test_another_machines_kernel_files_have_no_files(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    with ProcFs(str(tmp_path / "proc")) as proc, make_cgroup(tmp_path / "cgroup").open() as directory:
        files = FileFinder(proc, limit=10, seconds=60, swaps=False).of(directory, [1])
    (gap,) = files.gaps
    assert (gap.reason, files.files) == ("unsupported", [])


def test_a_walk_follows_no_link_and_opens_no_pipe(shm: Path) -> None:
    (shm / "deep").mkdir()
    (shm / "deep/real").write_bytes(b"x" * MIB)
    (shm / "shadow").symlink_to("/etc/shadow")
    (shm / "up").symlink_to("/")
    os.mkfifo(shm / "pipe")
    fd = os.open(shm, os.O_PATH)
    prober = Prober(None, swaps=False)
    walked = walk.walk(fd, prober, walk.Bounds(60), is_shmem=True)
    os.close(fd)
    assert [(path, probed.high_bytes) for path, probed in walked.files] == [("/deep/real", MIB)]
    assert (prober.looked_at, walked.refused, walked.is_cut) == (1, 0, False)


def test_a_walk_ends_at_its_bounds_and_says_so(shm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        (shm / str(number)).write_bytes(b"x" * 4096)
    monkeypatch.setattr(walk, "MAX_FILES", 5)
    fd = os.open(shm, os.O_PATH)
    walked = walk.walk(fd, Prober(None, swaps=False), walk.Bounds(60), is_shmem=True)
    os.close(fd)
    assert walked.is_cut
    assert len(walked.files) == 5


def test_what_of_a_tmpfs_may_not_be_opened_is_known_by_its_blocks(
    shm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shm / "theirs").write_bytes(b"x" * MIB)
    real = os.open

    def refusing(path: str, flags: int, *rest: int, **more: int) -> int:
        if str(path).startswith("/proc/self/fd/"):
            raise PermissionError(13, "Permission denied")
        return real(path, flags, *rest, **more)

    fd = os.open(shm, os.O_PATH)
    monkeypatch.setattr(os, "open", refusing)
    for swaps, low in ((False, MIB), (True, 0)):
        walked = walk.walk(fd, Prober(None, swaps=swaps), walk.Bounds(60), is_shmem=True)
        ((path, probed),) = walked.files
        assert (path, probed.low_bytes, probed.high_bytes, probed.by) == ("/theirs", low, MIB, "blocks")
    monkeypatch.undo()
    os.close(fd)
