from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect.compare.grown.contents import file_changes, mapping_changes, mappings_are_whole
from memcollect.documents.snapshot import Pod
from memcollect.explain import explain_pod
from memcollect_agent.wire import FilesGap, FileUse, MappedPart, Payer, PodFiles, Process, ProcessMappings
from worlds.compare_builders import MIB, NODE, pod

OWN = "/pod/app"


def use(path: str, resident: int | None, charged: int | None = None, **more: Any) -> FileUse:
    payers = None if charged is None else [Payer(cgroup_inode=7, path=OWN, bytes=charged)]
    values = {"place": "volume", "by": "cachestat", "payers": payers, **more}
    return FileUse(path=path, resident_low_bytes=resident, resident_high_bytes=resident, **values)


def having(*uses: FileUse, **more: Any) -> Pod:
    stat = {"file": 100 * MIB, "shmem": 0}
    return pod(MIB, files=PodFiles(files=list(uses), before=stat, after=stat, **more))


def test_what_was_left_in_cache_is_the_new_file_with_its_size() -> None:
    kept = use("/opt/model.bin", 9 * MIB, 9 * MIB)
    (change,) = file_changes(having(kept), having(kept, use("/out/report.bin", 24 * MIB, 24 * MIB)))
    assert (change.path, change.measure) == ("/out/report.bin", "charged")
    assert (change.before_low_bytes, change.after_low_bytes) == (0, 24 * MIB)
    assert (change.change_low_bytes, change.change_high_bytes) == (24 * MIB, 24 * MIB)


def test_the_largest_change_comes_first_whichever_way_it_went() -> None:
    before = having(use("/gone", 30 * MIB, 30 * MIB), use("/grown", MIB, MIB))
    after = having(use("/grown", 9 * MIB, 9 * MIB))
    changes = [(each.path, each.change_low_bytes) for each in file_changes(before, after)]
    assert changes == [("/gone", -30 * MIB), ("/grown", 8 * MIB)]


@pytest.mark.parametrize(
    ("old", "new", "measure"),
    [
        (use("/f", MIB, MIB), use("/f", 5 * MIB, 5 * MIB), "charged"),
        (use("/f", MIB, MIB), use("/f", 5 * MIB), "resident"),
        (use("/f", MIB, by="smaps"), use("/f", 5 * MIB, by="smaps"), "mapped"),
    ],
)
def test_the_measure_is_the_best_that_both_moments_know(old: FileUse, new: FileUse, measure: str) -> None:
    (change,) = file_changes(having(old), having(new))
    assert (change.measure, change.change_low_bytes) == (measure, 4 * MIB)


def test_what_was_measured_in_two_ways_has_a_reason_and_no_number() -> None:
    (change,) = file_changes(having(use("/f", MIB, by="smaps")), having(use("/f", 5 * MIB)))
    assert change.change_low_bytes is None
    assert "in another way" in change.reason


def test_of_a_list_that_was_cut_the_unlisted_are_at_most_the_smallest_that_it_names() -> None:
    before = having(use("/big", 9 * MIB), use("/small", 8192), others=40, others_bytes=40 * 4096)
    after = having(use("/big", 9 * MIB), use("/small", 8192), use("/new", 3 * MIB))
    (change,) = file_changes(before, after)
    assert (change.before_low_bytes, change.before_high_bytes) == (0, 8192)
    assert (change.change_low_bytes, change.change_high_bytes) == (3 * MIB - 8192, 3 * MIB)


@pytest.mark.parametrize(
    ("gap", "is_known"),
    [
        (FilesGap(place="/data", reason="denied", detail="no"), False),
        (FilesGap(place="", reason="budget", detail="late"), False),
        (FilesGap(place="/mnt/nfs", reason="unsafe", detail="nfs"), True),
        (FilesGap(place="/out", reason="unsafe", detail="fuse"), False),
    ],
)
def test_a_file_is_new_only_where_its_place_was_looked_at_before(gap: FilesGap, *, is_known: bool) -> None:
    (change,) = file_changes(having(gaps=[gap]), having(use("/out/new", 3 * MIB)))
    assert (change.change_low_bytes is not None) is is_known
    assert bool(change.reason) is not is_known


def test_what_may_be_another_pods_is_no_change_of_this_one() -> None:
    assert file_changes(having(), having(use("/host/file", 9 * MIB, may_be_others=True))) == []


def test_without_files_at_one_moment_there_are_no_changes() -> None:
    assert file_changes(pod(MIB), having(use("/f", MIB))) == []


AMOUNTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 1 << 40))


@given(AMOUNTS, AMOUNTS)
def test_changes_of_whole_lists_come_to_the_difference_of_their_sums(
    old: dict[str, int], new: dict[str, int]
) -> None:
    before, after = ([use(f"/{name}", size, size) for name, size in each.items()] for each in (old, new))
    changes = file_changes(having(*before), having(*after))
    assert sum(each.change_low_bytes or 0 for each in changes) == sum(new.values()) - sum(old.values())


def running(program: str, **parts: int) -> Process:
    made = [
        MappedPart(kind=kind, mappings=1, anon_low_bytes=size, anon_high_bytes=size)
        for kind, size in parts.items()
    ]
    whole = sum(parts.values())
    return Process(
        pid=7,
        ppid=1,
        start_time=1.0,
        comm="chosen",
        exe=f"/usr/bin/{program}",
        pss_bytes=whole,
        pss_anon_bytes=whole,
        mapped=ProcessMappings(parts=made, mappings=9, pss_anon_before_bytes=whole, pss_anon_bytes=whole),
    )


def mapping(*processes: Process, **more: Any) -> Pod:
    return explain_pod(pod(MIB, processes=list(processes), **more), NODE)


def test_mappings_are_held_against_each_other_by_program_and_kind() -> None:
    before = mapping(running("python3.11", heap=10 * MIB, large=2 * MIB))
    after = mapping(running("python3.11", heap=42 * MIB, large=2 * MIB, arena=MIB))
    changes = [(e.program, e.kind, e.is_by_shape, e.change_bytes) for e in mapping_changes(before, after)]
    assert changes == [("python3.11", "heap", False, 32 * MIB), ("python3.11", "arena", True, MIB)]
    assert mappings_are_whole(before)
    assert not mappings_are_whole(mapping(running("python3.11", heap=MIB), read=3))
