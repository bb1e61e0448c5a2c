"""Files and mappings of known sizes, as an agent with each set of rights tells them, on a real kernel."""

import os
import sys
from pathlib import Path

import msgspec
import pytest

from lab.compile import SOURCE, compiled
from lab.contents import SERVED, SERVICE, SMALL_FILES, FileTruth, MappingTruth
from lab.contents_runner import RIGHTS, Looked
from memcollect.documents.snapshot import Pod
from memcollect.explain import explain
from memcollect.explain.files import charged_bytes, file_sums
from memcollect.join import Capture, LocalNames, local_snapshot
from memcollect.lab import kernels, uml
from memcollect.lab.errors import LabError
from memcollect.services import Entry, with_services
from memcollect_agent.measure.files.probe import LEAST_FOR_PAYERS
from memcollect_agent.wire import FileUse, MappedPart, PodFiles

pytestmark = pytest.mark.lab

KERNEL = "7.2"
"""Whatever kernel the other tests have: this one has cachestat(2), and kpagecgroup reaches all pages."""
MIB = 1 << 20
PAGE = 4096


@pytest.fixture(scope="module")
def looked(lab_directory: Path) -> Looked:
    """What was put into memory and what was said of it; one boot."""
    directory = lab_directory / "contents"
    result = directory / "looked.json"
    if not result.exists():
        directory.mkdir(exist_ok=True)
        _boot(compiled(directory, SOURCE.with_name("contents.c")), result)
    return msgspec.json.decode(result.read_bytes(), type=Looked)


def _boot(program: Path, result: Path) -> None:
    try:
        kernel = kernels.provide(KERNEL)
    except LabError as error:
        if os.environ.get("MEMCOLLECT_REQUIRE_LAB"):
            pytest.fail(f"the lab cannot run: {error}", pytrace=False)
        pytest.skip(f"the lab cannot run: {error}")
    machine = uml.Machine(
        kernel=kernel,
        command=[sys.executable, "-m", "lab.contents_runner", str(program), str(result)],
        memory_bytes=768 * MIB,
        disk_bytes=400 * MIB,
        modules=["fs/overlayfs/overlay.ko", "fs/fuse/fuse.ko"],
        time_limit_seconds=900.0,
    )
    said: list[str] = []
    outcome = uml.boot(machine, said.append)
    assert outcome.exit_code == 0, "\n".join([*said, *outcome.errors, outcome.kernel_log[-2000:]])


def tolerance(size: int) -> int:
    return max(256 << 10, size // 100)


def pods_of(looked: Looked, rights: str) -> dict[str, Pod]:
    """Return the explained pods by name, as an agent with these rights tells them."""
    by_uid = {uid: ("lab", name) for name, uid in looked.pods.items()}
    names = LocalNames(pods=by_uid, containers=looked.containers)
    capture = Capture(label="contents", captured_at="", finished_at="")
    explained = explain(local_snapshot(looked.samples[rights], names, capture))
    return {pod.name: pod for pod in explained.pods}


def files_of(looked: Looked, rights: str) -> dict[str, PodFiles]:
    names = {uid: name for name, uid in looked.pods.items()}
    return {names[pod.uid]: pod.files for pod in looked.samples[rights].pods if pod.files is not None}


def use_of(files: PodFiles, truth: FileTruth) -> FileUse | None:
    return next((use for use in files.files if use.path == truth.path), None)


def bounds_of(use: FileUse) -> tuple[int, int]:
    assert use.resident_low_bytes is not None
    low, high = use.resident_low_bytes, use.resident_high_bytes
    return low, low if high is None else high


def told_wrong(looked: Looked, rights: str, truth: FileTruth) -> str:
    """Return how the file is told another way than it is; "" where it is told rightly."""
    use = use_of(files_of(looked, rights)[truth.pod], truth)
    if use is None:
        return f"{truth.path} is not named"
    low, high = bounds_of(use)
    near = tolerance(truth.high_bytes)
    if low > truth.high_bytes + near or high < truth.low_bytes - near or low != high:
        return f"{truth.path}: {low} to {high} in memory"
    if use.place != truth.place or (truth.size_bytes or use.size_bytes) != use.size_bytes:
        return f"{truth.path}: {use.place}, a length of {use.size_bytes}"
    return ""


@pytest.mark.parametrize("rights", RIGHTS)
def test_each_file_is_named_with_what_of_it_is_in_memory(looked: Looked, rights: str) -> None:
    known = [each for each in looked.contents.files if rights != "base" or not each.is_foreign]
    assert len(known) >= 11
    assert [wrong for each in known if (wrong := told_wrong(looked, rights, each))] == []


@pytest.mark.parametrize("rights", RIGHTS)
def test_who_pays_is_told_to_the_page_with_page_numbers_and_without(looked: Looked, rights: str) -> None:
    """By pagemap as root, else by the counts of all pages, which needs no capability."""
    files, pods = files_of(looked, rights), pods_of(looked, rights)
    known = [each for each in looked.contents.files if rights != "base" or not each.is_foreign]
    told = 0
    for truth in known:
        use = use_of(files[truth.pod], truth)
        assert use is not None
        if rights != "all" and truth.high_bytes < LEAST_FOR_PAYERS:
            continue
        charged = charged_bytes(use)
        assert charged is not None, (truth.path, files[truth.pod].payers_unknown)
        expected = bounds_of(use)[0] if truth.charged else 0
        assert abs(charged - expected) <= tolerance(expected), truth.path
        payers = {pods[truth.pod].file_payers.get(str(each.cgroup_inode)) for each in use.payers or []}
        assert f"lab/{truth.payer}" in payers or truth.charged, truth.path
        told += 1
    assert told >= 8


@pytest.mark.parametrize("rights", RIGHTS)
def test_what_the_kernel_charges_lies_within_what_the_files_are_said_to_be(
    looked: Looked, rights: str
) -> None:
    """memory.stat is the other route: what a pod's files come to may not contradict it."""
    for name, pod in pods_of(looked, rights).items():
        for part in file_sums(pod):
            truths = [each for each in looked.contents.files if each.pod == name and each.charged]
            is_tmpfs = part.kind == "tmpfs"
            own = [each for each in truths if (each.place in ("tmpfs", "memfd")) == is_tmpfs]
            seen = [each for each in own if rights != "base" or not each.is_foreign]
            known = sum(each.low_bytes for each in seen)
            assert part.named_high_bytes + part.bound_bytes >= known - tolerance(known), (name, part)
            assert part.named_low_bytes <= part.whole_bytes + part.bound_bytes + MIB // 4, (name, part)


def test_another_users_file_is_unknown_without_the_right_and_says_which(looked: Looked) -> None:
    (foreign,) = [each for each in looked.contents.files if each.is_foreign]
    files = files_of(looked, "base")[foreign.pod]
    assert use_of(files, foreign) is None
    (gap,) = [each for each in files.gaps if each.place == "/data" and each.reason == "denied"]
    assert gap.files == 1
    assert "DAC_READ_SEARCH and FOWNER" in gap.detail


@pytest.mark.parametrize("rights", RIGHTS)
def test_no_link_out_of_a_volume_is_followed(looked: Looked, rights: str) -> None:
    named = {use.path for use in files_of(looked, rights)["box"].files if use.place == "volume"}
    assert named >= {"/data/artifact", "/data/log"}
    assert named.isdisjoint({"/data/shadow", "/data/secret"})


@pytest.mark.parametrize("rights", RIGHTS)
def test_a_mount_that_would_hang_whoever_asks_is_left_alone(looked: Looked, rights: str) -> None:
    gaps = {each.place: each for each in files_of(looked, rights)["box"].gaps}
    assert gaps["/data/stuck"].reason == "unsafe"
    assert "fuse" in gaps["/data/stuck"].detail


@pytest.mark.parametrize("rights", RIGHTS)
def test_thousands_of_small_files_are_counted_and_summed_up(looked: Looked, rights: str) -> None:
    files = files_of(looked, rights)["small"]
    small = [use for use in files.files if use.path.startswith("/dev/shm/")]
    assert files.looked_at >= SMALL_FILES
    assert len(small) + files.others >= SMALL_FILES
    listed = sum(bounds_of(use)[0] for use in small)
    assert listed + files.others_bytes >= SMALL_FILES * PAGE
    assert all(bounds_of(use) == (PAGE, PAGE) for use in small)


@pytest.mark.parametrize("rights", RIGHTS)
def test_a_growing_file_is_told_as_it_was_while_it_was_looked_at(looked: Looked, rights: str) -> None:
    before, after = looked.grown[rights]
    (truth,) = [each for each in looked.contents.files if each.low_bytes < each.high_bytes]
    use = use_of(files_of(looked, rights)[truth.pod], truth)
    assert use is not None
    assert before <= bounds_of(use)[0] <= after


@pytest.mark.parametrize("rights", RIGHTS)
def test_looking_moves_no_page_of_any_list(looked: Looked, rights: str) -> None:
    growing = {each.pod for each in looked.contents.files if each.low_bytes < each.high_bytes}
    moved = {
        (name, line): (size, after)
        for name, each in files_of(looked, rights).items()
        if name not in growing
        for line, size in (each.before or {}).items()
        for after in [(each.after or {}).get(line)]
        if size != after and not is_of_command_lines(looked, rights, name, line, size, after)
    }
    assert moved == {}


def is_of_command_lines(  # noqa: PLR0913, PLR0917 # one line of one pod, before and after
    looked: Looked, rights: str, name: str, line: str, before: int, after: int | None
) -> bool:
    """Return whether it is no more than the pages of the processes' command lines.

    To read one, as ps does, marks its page as used (FOLL_TOUCH, mm/gup.c); who is read twice has it on the
    active list, whenever the kernel next empties the CPU's batch of such pages (mm/swap.c).
    """
    if line not in {"active_anon", "inactive_anon"} or after is None:
        return False
    (pod,) = [pod for pod in looked.samples[rights].pods if pod.uid == looked.pods[name]]
    processes = sum(each.sums.listed for each in pod.containers if each.sums is not None)
    return abs(after - before) <= processes * PAGE


def parts_of(looked: Looked, truth: MappingTruth) -> list[MappedPart]:
    pod = next(pod for pod in looked.samples["base"].pods if pod.uid == looked.pods[truth.pod])
    processes = [each for container in pod.containers for each in container.processes]
    largest = max(processes, key=lambda each: each.pss_anon_bytes or 0)
    assert largest.mapped is not None
    return [part for part in largest.mapped.parts if part.kind == truth.kind]


def test_each_kind_of_mapping_is_told_with_its_size(looked: Looked) -> None:
    assert len(looked.contents.mappings) >= 4
    for truth in looked.contents.mappings:
        parts = parts_of(looked, truth)
        low = sum(part.anon_low_bytes for part in parts)
        high = sum(part.anon_high_bytes for part in parts)
        near = tolerance(truth.high_bytes)
        assert truth.low_bytes - near <= low <= high <= truth.high_bytes + near, (truth, parts)
        if truth.mappings is not None:
            assert sum(part.mappings for part in parts) == truth.mappings, truth


@pytest.mark.parametrize("rights", RIGHTS)
def test_the_verdict_names_what_is_more_than_a_quarter_of_the_working_set(
    looked: Looked, rights: str
) -> None:
    pods = pods_of(looked, rights)
    said = {name: pod.verdict for name, pod in pods.items()}
    assert "The largest file in memory is /models/e5.bin: 22 MiB" in said["box"]
    assert "The largest file in memory is /memfd:runsc-memory: 17 MiB" in said["memfd"]
    assert "heap (brk)" in said["heap"]
    assert "8 malloc's arenas" in said["arenas"]
    assert "200 thread stacks" in said["stacks"]
    assert "anonymous mapping of 64" in said["large"]
    assert "/run/data/thrice: 20 MiB of its pages are charged to this pod" in said["thrice"]


@pytest.mark.parametrize("rights", RIGHTS)
def test_the_price_of_a_service_holds_what_ending_it_saved(looked: Looked, rights: str) -> None:
    """The prediction is of the sample, with the service running; the charge was read again without it."""
    pod = pods_of(looked, rights)[SERVED]
    table = [Entry(name="Made", programs=[SERVICE])]
    (container,) = [each for each in with_services(pod, table).containers if each.role == "container"]
    (price,) = [each for each in container.services if each.name == "Made"]
    with_it, without_it = looked.charged
    saved = with_it - without_it
    assert price.saves_low_bytes is not None
    assert price.saves_high_bytes is not None
    assert 24 * MIB <= price.saves_low_bytes <= saved <= price.saves_high_bytes
    assert price.saves_high_bytes - price.saves_low_bytes < 24 * MIB


@pytest.mark.parametrize("rights", RIGHTS)
def test_page_by_page_a_pods_cache_is_what_its_memory_stat_says(looked: Looked, rights: str) -> None:
    """Which needs no capability at all: user 0 may read whose each page is and on which list."""
    growing = {each.pod for each in looked.contents.files if each.low_bytes < each.high_bytes}
    checked = 0
    for name, files in files_of(looked, rights).items():
        if name in growing or files.before is None or files.before["file"] < MIB:
            continue
        assert files.pages is not None, files.pages_unknown
        for line in ("active_file", "inactive_file", "shmem"):
            counted = sum(getattr(each, f"{line}_bytes") for each in files.pages)
            assert abs(counted - files.before[line]) <= tolerance(files.before[line]), (name, line)
        checked += 1
    assert checked >= 5
