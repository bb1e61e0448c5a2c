import msgspec
import pytest

from memcollect.accounting.facts import (
    WHY_UNREAD,
    Facts,
    MissingFactError,
    gather,
    unread_rss_bytes,
    why_unread,
)
from memcollect.accounting.interval import Interval
from memcollect_agent.wire import Cgroup, Node, ProcessSums, SkippedProcess
from worlds.builders import MIB, NODE, PAGE, QUIET_STAT, QUIET_SUMS, cgroup

BATCH = 2 * PAGE * 31 * 4
"""What may wait in the per-CPU batches of two CPUs."""


def lazyfree(stat: dict[str, int], sums: ProcessSums | None) -> Interval:
    return gather(cgroup(stat=stat), sums, NODE).interval("lazyfree")


def sums(**more: object) -> ProcessSums:
    return msgspec.structs.replace(QUIET_SUMS, **more)


def reason(facts: Facts, name: str) -> str:
    with pytest.raises(MissingFactError) as raised:
        facts[name]
    assert raised.value.name == name
    return raised.value.reason


def test_a_line_that_the_kernel_lacks_is_absent_with_the_reason_and_never_zero() -> None:
    facts = gather(cgroup(), QUIET_SUMS, NODE)

    assert facts["stat.anon"] == 100 * MIB
    assert reason(facts, "stat.zswap") == "this kernel's memory.stat has no such line"


def test_a_file_that_could_not_be_read_gives_its_own_reason() -> None:
    unread = Cgroup(path="/x", absent={"memory.stat": "denied", "memory.current": "gone"})
    facts = gather(unread, None, None)

    assert reason(facts, "stat.anon") == "denied"
    assert reason(facts, "current") == "gone"
    assert reason(facts, "procs.rss") == "the processes were not read"
    assert reason(facts, "node.cpus") == "the node did not say"
    assert reason(gather(None, None, None), "stat.anon") == "the cgroup was not measured"


@pytest.mark.parametrize("missing", ["unevictable", "active_anon", "anon", "file"])
def test_what_is_derived_names_the_line_it_lacks(missing: str) -> None:
    stat = {key: value for key, value in QUIET_STAT.items() if key != missing}
    facts = gather(Cgroup(path="/x", stat=stat), None, NODE)

    for name in ("lru", "detached_anon", "lazyfree"):
        assert reason(facts, name).startswith(f"it needs stat.{missing}:")


def test_lazyfree_without_shmem_names_shmem() -> None:
    stat = {key: value for key, value in QUIET_STAT.items() if key != "shmem"}
    facts = gather(Cgroup(path="/x", stat=stat), None, NODE)

    assert "stat.shmem" in reason(facts, "lazyfree")
    assert "detached_anon" in facts


def test_detached_anon_is_what_the_lists_hold_beyond_anon_and_file() -> None:
    assert gather(cgroup(), None, NODE)["detached_anon"] == 0
    more = gather(cgroup(stat={"inactive_anon": 117 * MIB}), None, NODE)
    assert more["detached_anon"] == 7 * MIB


def test_pages_that_wait_for_a_list_are_no_negative_detached_memory() -> None:
    assert gather(cgroup(stat={"inactive_anon": 109 * MIB}), None, NODE)["detached_anon"] == 0


def test_lazyfree_is_measured_where_both_routes_agree() -> None:
    stat = {"inactive_anon": 70 * MIB, "inactive_file": 60 * MIB}

    assert lazyfree(stat, sums(lazyfree_bytes=40 * MIB)) == Interval.exactly(40 * MIB)


def test_lazyfree_pages_that_wait_in_a_batch_are_the_width_of_the_interval() -> None:
    stat = {"inactive_anon": 70 * MIB, "inactive_file": 60 * MIB}
    counted = 40 * MIB - BATCH

    assert lazyfree(stat, sums(lazyfree_bytes=counted)) == Interval.of(counted, 40 * MIB, counted)


def test_lazyfree_pages_written_again_stay_on_the_list_though_no_process_counts_them() -> None:
    stat = {"inactive_anon": 70 * MIB, "inactive_file": 60 * MIB}

    assert lazyfree(stat, sums(lazyfree_bytes=0)).estimate == 40 * MIB


def test_locked_pages_are_the_width_of_lazyfree_where_no_process_was_read() -> None:
    stat = {"inactive_anon": 100 * MIB, "unevictable": 10 * MIB}

    assert lazyfree(stat, None) == Interval.of(0, 10 * MIB, 0)
    assert lazyfree(stat, QUIET_SUMS) == Interval.exactly(0)


def test_sums_over_no_process_are_zero_and_known() -> None:
    facts = gather(cgroup(), ProcessSums(), NODE)

    assert facts["procs.rss"] == facts["procs.page_tables"] == 0


def test_sums_over_processes_that_could_all_not_be_read_are_unknown() -> None:
    skipped = [SkippedProcess(pid=pid, reason="ceiling", rss_bytes=3 * MIB) for pid in (1, 2)]
    facts = gather(cgroup(), ProcessSums(listed=2, skipped=skipped), NODE)

    assert "none of the processes could be read: " in reason(facts, "procs.pss")
    assert "--process-ceiling" in reason(facts, "procs.pss")
    assert facts["seen_rss"] == 6 * MIB


def test_a_kernel_that_showed_one_process_is_not_said_to_lack_what_it_showed() -> None:
    skipped = [SkippedProcess(pid=1, reason="unsupported")]
    assert why_unread(sums(skipped=skipped)).startswith("the kernel shows no smaps_rollup there, though")
    assert why_unread(ProcessSums(listed=1, skipped=skipped)).startswith("this kernel has no smaps_rollup")


@pytest.mark.parametrize("word", sorted(WHY_UNREAD))
def test_each_reason_for_an_unread_process_has_its_own_words(word: str) -> None:
    others = [text for reason, text in WHY_UNREAD.items() if reason != word]

    assert why_unread(ProcessSums(skipped=[SkippedProcess(pid=1, reason=word)])) not in others


def test_rss_of_all_is_known_only_where_it_is_of_each() -> None:
    none = ProcessSums(listed=1, skipped=[SkippedProcess(pid=1)])
    some = sums(skipped=[SkippedProcess(pid=1, rss_bytes=MIB)])

    assert "no known RSS" in reason(gather(cgroup(), none, NODE), "seen_rss")
    assert gather(cgroup(), some, NODE)["seen_rss"] == (some.rss_bytes or 0) + MIB


def test_an_unread_process_without_rss_leaves_their_sum_unknown() -> None:
    known, unknown = SkippedProcess(pid=1, rss_bytes=5), SkippedProcess(pid=2)

    assert unread_rss_bytes(ProcessSums(skipped=[known])) == 5
    assert unread_rss_bytes(ProcessSums(skipped=[known, unknown])) is None
    assert unread_rss_bytes(ProcessSums(skipped_unlisted=3, skipped_unlisted_rss_bytes=None)) is None
    facts = gather(cgroup(), sums(skipped=[unknown]), NODE)
    assert "no known RSS" in reason(facts, "procs.unread_rss")
    assert facts["procs.unread"] == 1


def test_a_mount_that_charges_huge_pages_is_known() -> None:
    charging = Node(name="n", cgroup_mount_options=["memory_hugetlb_accounting"])

    assert "hugetlb_charged" in gather(cgroup(), None, charging)
    assert "hugetlb_charged" not in gather(cgroup(), None, NODE)
