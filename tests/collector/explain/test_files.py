import msgspec
import pytest

from memcollect.documents.snapshot import FileSum, Pod
from memcollect.explain import explain_pod
from memcollect.explain.files import file_sums, short_path
from memcollect_agent.wire import FileUse, Payer, PodFiles
from worlds.builders import MIB, container, pod

OWN = Payer(cgroup_inode=7, path="/pod/app", bytes=24 * MIB)
OTHER = Payer(cgroup_inode=9, bytes=8 * MIB)


def use(path: str = "/out/report.bin", resident: int | None = 24 * MIB, **more: object) -> FileUse:
    values: dict[str, object] = {
        "path": path,
        "place": "disk",
        "by": "cachestat",
        "resident_low_bytes": resident,
        "resident_high_bytes": resident,
        **more,
    }
    return FileUse(**values)  # type: ignore[arg-type]


def with_files(*uses: FileUse, file: int = 40 * MIB, shmem: int = 10 * MIB, others: int = 0) -> Pod:
    stat = {"file": file, "shmem": shmem}
    return pod(container(), files=PodFiles(files=list(uses), before=stat, after=stat, others=others))


def sums(*uses: FileUse, **more: int) -> tuple[FileSum, FileSum]:
    cache, tmpfs = file_sums(with_files(*uses, **more))
    return cache, tmpfs


def test_what_is_charged_is_named_to_the_byte_and_the_rest_is_what_is_left() -> None:
    cache, tmpfs = sums(use(payers=[OWN, OTHER]))
    assert (cache.whole_bytes, cache.named_low_bytes, cache.named_high_bytes) == (
        30 * MIB,
        24 * MIB,
        24 * MIB,
    )
    assert (cache.rest_low_bytes, cache.rest_high_bytes) == (6 * MIB, 6 * MIB)
    assert (tmpfs.whole_bytes, tmpfs.rest_low_bytes, tmpfs.rest_high_bytes) == (10 * MIB, 10 * MIB, 10 * MIB)


def test_what_is_merely_resident_may_be_anybodys() -> None:
    cache, _ = sums(use(resident=20 * MIB))
    assert (cache.named_low_bytes, cache.named_high_bytes) == (0, 20 * MIB)
    assert (cache.rest_low_bytes, cache.rest_high_bytes) == (10 * MIB, 30 * MIB)


def test_never_more_than_the_whole_is_named() -> None:
    cache, _ = sums(use(payers=[OWN]), use("/big", 500 * MIB))
    assert (cache.named_high_bytes, cache.rest_low_bytes) == (30 * MIB, 0)


@pytest.mark.parametrize("open_end", [{"others": 3}, {}])
def test_a_file_without_an_upper_end_may_be_all_the_rest(open_end: dict[str, int]) -> None:
    mapped = use("/lib.so", by="smaps", resident_low_bytes=MIB, resident_high_bytes=None)
    cache, _ = sums(use(payers=[OWN]), *([] if open_end else [mapped]), **open_end)
    assert (cache.named_low_bytes, cache.named_high_bytes) == (24 * MIB, 30 * MIB)


def test_tmpfs_files_are_none_of_the_page_cache() -> None:
    cache, tmpfs = sums(use("/dev/shm/a", 8 * MIB, is_shmem=True))
    assert cache.named_high_bytes == 0
    assert (tmpfs.named_high_bytes, tmpfs.rest_low_bytes) == (8 * MIB, 2 * MIB)


def test_what_moved_meanwhile_is_the_bound() -> None:
    files = PodFiles(before={"file": 40 * MIB, "shmem": 0}, after={"file": 43 * MIB, "shmem": 0})
    cache, tmpfs = file_sums(pod(container(), files=files))
    assert (cache.bound_bytes, tmpfs.bound_bytes) == (3 * MIB, 0)


def test_without_the_lines_of_memory_stat_nothing_is_summed() -> None:
    assert file_sums(pod(container())) == []
    assert file_sums(pod(container(), files=PodFiles(before={"file": 1}))) == []


def said(*uses: FileUse, **stat: int) -> str:
    explained = explain_pod(with_files(*uses, **{"file": 400 * MIB, **stat}), None)
    return next((each.sentence for each in explained.statements if each.topic == "largest_file"), "")


def test_a_file_of_more_than_a_quarter_of_the_working_set_is_named_in_the_verdict() -> None:
    big = explain_pod(with_files(), None).composition
    assert big is not None
    amount = big.working_set_bytes
    paid = Payer(cgroup_inode=7, path="/pod/app", bytes=amount)
    assert "/out/report.bin" in said(use(payers=[paid]))
    assert "who pays for it is not known" in said(use(resident=amount))
    small = Payer(cgroup_inode=7, path="/pod/app", bytes=amount // 4)
    assert said(use(resident=amount, payers=[small])) == ""


@pytest.mark.parametrize(
    ("file", "shmem", "payers", "is_largest"),
    [
        (400 * MIB, 0, [msgspec.structs.replace(OWN, bytes=200 * MIB)], True),
        (400 * MIB + 1, 0, [msgspec.structs.replace(OWN, bytes=200 * MIB)], False),
        (400 * MIB, 0, None, True),
        (400 * MIB + 1, 0, None, False),
        (600 * MIB, 200 * MIB, [msgspec.structs.replace(OWN, bytes=200 * MIB)], True),
        (600 * MIB + 1, 200 * MIB + 1, [msgspec.structs.replace(OWN, bytes=200 * MIB)], False),
        (600 * MIB + 1, 200 * MIB + 1, None, False),
    ],
)
def test_a_file_is_called_the_largest_only_where_nothing_without_a_name_can_be_larger(
    file: int, shmem: int, payers: list[Payer] | None, *, is_largest: bool
) -> None:
    sentence = said(use(resident=200 * MIB, payers=payers), file=file, shmem=shmem)
    begin = "The largest file in memory is " if is_largest else "The largest file found in memory is "
    assert sentence.startswith(f"{begin}/out/report.bin: 200 MiB of it")


def test_a_file_is_called_the_largest_that_was_found_where_memory_stat_was_not_read() -> None:
    row = with_files(use(resident=200 * MIB))
    assert row.files is not None
    row = msgspec.structs.replace(row, files=msgspec.structs.replace(row.files, before=None))
    said = [each.sentence for each in explain_pod(row, None).statements if each.topic == "largest_file"]
    assert said[0].startswith("The largest file found in memory is ")


def test_a_file_that_is_as_likely_anothers_is_not_named_in_the_verdict() -> None:
    assert said(use(resident=10_000 * MIB, may_be_others=True)) == ""


def test_a_long_path_keeps_its_end() -> None:
    path = "/opt/" + "x" * 200 + "/model.bin"
    assert short_path(path).endswith("/model.bin")
    assert len(short_path(path)) == 96
    assert short_path("/short") == "/short"
