"""Every cause that an explanation must be able to name, from a container where it is large."""

from typing import Any

import msgspec
import pytest

from memcollect.documents.snapshot import Finding
from memcollect.explain import explain_pod
from memcollect_agent.wire import Node, ProcessSums, Rings, SkippedProcess, Swap, Zswap
from worlds.builders import MIB, NODE, QUIET_CURRENT, QUIET_SUMS, cgroup, container, pause, pod

GIVEN_BACK = {"inactive_anon": 90 * MIB, "inactive_file": 40 * MIB}


def findings(
    stat: dict[str, int] | None = None,
    sums: dict[str, Any] | None = None,
    node: Node = NODE,
    current: int = QUIET_CURRENT,
    **files: object,
) -> list[Finding]:
    measured = msgspec.structs.replace(QUIET_SUMS, **(sums or {}))
    row = pod(container(cgroup=cgroup(current, stat, **files), sums=measured), pause(2 * MIB))
    return explain_pod(row, node).findings


def the(cause: str, found: list[Finding]) -> Finding:
    (finding,) = [each for each in found if each.cause == cause]
    return finding


@pytest.mark.parametrize(
    ("cause", "mib", "stat", "sums"),
    [
        ("anon", 100, {}, {}),
        ("hot_cache", 30, {}, {}),
        ("cold_cache", 20, {}, {}),
        ("shmem", 10, {}, {}),
        ("lazyfree", 20, GIVEN_BACK, {"lazyfree_bytes": 20 * MIB}),
        ("split_huge", 7, {"inactive_anon": 117 * MIB}, {}),
        ("kernel_stack", 1, {}, {}),
        ("page_tables", 4, {}, {}),
        ("slab_reclaimable", 3, {}, {}),
        ("slab_unreclaimable", 2, {}, {}),
        ("percpu", 1, {}, {}),
        ("vmalloc", 6, {"vmalloc": 6 * MIB}, {}),
        ("other_kernel", 1, {}, {}),
        ("sock", 5, {}, {}),
        ("double_counted", -10, {}, {}),
        ("borrowed_anon", -9, {}, {"pss_anon_bytes": 109 * MIB}),
        ("lent_anon", 9, {}, {"pss_anon_bytes": 91 * MIB}),
        ("borrowed_file", -8, {"file_mapped": 12 * MIB}, {}),
        ("lent_file", 8, {"file_mapped": 28 * MIB}, {}),
    ],
)
def test_each_cause_is_named_with_its_amount(
    cause: str, mib: int, stat: dict[str, int], sums: dict[str, int]
) -> None:
    finding = the(cause, findings(stat, sums))

    assert finding.estimate_bytes == mib * MIB
    assert finding.scope == "app"
    assert f"{abs(mib)} MiB" in finding.sentence
    assert finding.evidence


@pytest.mark.parametrize(
    ("cause", "files"),
    [
        ("swap", {"swap": Swap(current_bytes=3 * MIB)}),
        ("zswap", {"zswap": Zswap(current_bytes=3 * MIB)}),
        ("hugetlb", {"hugetlb": {"2MB": 3 * MIB}}),
        ("moving", {"current_again_bytes": QUIET_CURRENT + 3 * MIB}),
    ],
)
def test_what_stands_beside_the_charge_is_told(cause: str, files: dict[str, object]) -> None:
    assert the(cause, findings(**files)).estimate_bytes == 3 * MIB  # type: ignore[arg-type]


def test_swap_that_could_not_be_read_is_undecided_only_where_there_is_swap() -> None:
    def open_questions(node: Node) -> set[str]:
        return {item.missing for item in explain_pod(pod(), node).undecided}

    assert "swap.current" not in open_questions(NODE)
    assert "swap.current" in open_questions(msgspec.structs.replace(NODE, swap_devices=1))


def test_huge_pages_are_beside_the_charge_unless_the_mount_charges_them() -> None:
    charging = msgspec.structs.replace(NODE, cgroup_mount_options=["memory_hugetlb_accounting"])
    beside = the("hugetlb", findings(hugetlb={"2MB": 2 * MIB}))
    within = the("hugetlb", findings(hugetlb={"2MB": 2 * MIB}, node=charging))

    assert "beside memory.current" in beside.sentence
    assert "charged here" in within.sentence


def test_cache_that_is_locked_in_memory_is_not_promised_to_go() -> None:
    locked = findings({"active_file": 10 * MIB, "unevictable": 20 * MIB})

    assert the("hot_cache", locked).estimate_bytes == 10 * MIB
    assert the("locked_cache", locked).estimate_bytes == 20 * MIB
    assert "cannot be dropped" in the("locked_cache", locked).sentence
    assert "locked_cache" not in {each.cause for each in findings()}


def test_tmpfs_that_no_process_maps_is_what_ps_cannot_show() -> None:
    assert "mapped by no process" in the("shmem", findings()).sentence
    mapped = findings({"file_mapped": 18 * MIB}, {"pss_shmem_bytes": 8 * MIB, "pss_file_bytes": 10 * MIB})
    assert "mapped by no process" not in the("shmem", mapped).sentence


def test_shared_memory_that_programs_map_is_not_looked_for_among_files() -> None:
    """A database's buffers have no file, and a browser deletes its own at once: /dev/shm looks empty."""
    held = {"pss_shmem_bytes": 8 * MIB, "pss_file_bytes": 10 * MIB}
    mapped = the("shmem", findings({"file_mapped": 18 * MIB}, held))

    assert "until its files are deleted and no process has them open or maps them" in mapped.sentence
    assert mapped.remedy.startswith("Most of it is what programs map")
    assert the("shmem", findings()).remedy.startswith("Look for files under /dev/shm")


def test_unread_processes_are_told_even_where_nothing_is_missing_from_the_sums() -> None:
    skipped = [SkippedProcess(pid=7, rss_bytes=3 * MIB, reason="budget")]
    finding = the("unread_processes", findings(sums={"listed": 2, "skipped": skipped}))

    assert finding.severity == "warning"
    assert finding.sentence.startswith("PSS is not known of 1 process, of 3 MiB RSS: 0 B")
    assert "--timeout" in finding.remedy
    assert "SYS_PTRACE" not in finding.remedy


def test_an_address_space_that_several_processes_share_is_told_with_how_often_ps_adds_it() -> None:
    finding = the("sharing_processes", findings(sums={"sharing": 2, "sharing_rss_bytes": 64 * MIB}))

    assert finding.sentence.startswith("2 processes share another one's address space")
    assert "ps adds 64 MiB again" in finding.sentence


def test_what_may_be_counted_twice_is_put_down_to_it_as_far_as_it_is_charged_to_nobody() -> None:
    alike = {"alike": 1, "alike_pss_bytes": 64 * MIB, "alike_pss_anon_bytes": 64 * MIB}
    alike |= {"alike_pss_file_bytes": 0, "alike_pss_shmem_bytes": 0}
    twice = {"pss_anon_bytes": (QUIET_SUMS.pss_anon_bytes or 0) + 30 * MIB, **alike}
    finding = the("alike_processes", findings(sums=twice))

    assert finding.estimate_bytes == 30 * MIB
    assert (finding.low_bytes, finding.high_bytes) == (0, 64 * MIB)
    assert "borrowed_anon" not in {each.cause for each in findings(sums=twice)}
    assert "alike_processes" not in {each.cause for each in findings(sums=alike)}


def test_every_process_read_is_no_warning() -> None:
    assert "unread_processes" not in {each.cause for each in findings()}


def test_the_pause_container_is_told_when_it_is_large() -> None:
    finding = the("pause", findings())

    assert (finding.scope, finding.estimate_bytes) == ("pod", -2 * MIB)


def test_what_gone_containers_left_is_told_by_kind() -> None:
    left = cgroup(
        QUIET_CURRENT + 30 * MIB,
        {"anon": 101 * MIB, "file": 89 * MIB, "shmem": 30 * MIB, "inactive_anon": 131 * MIB},
        path="/kubepods/pod1",
    )
    row = explain_pod(pod(cgroup=left, own_sums=ProcessSums()), NODE)
    finding = the("dead_containers", row.findings)

    assert finding.estimate_bytes == -30 * MIB
    assert "20 MiB tmpfs, 9 MiB page cache, 1 MiB private memory" in finding.sentence
    assert "30 MiB more is charged to the pod by containers that are gone." in row.verdict


def test_huge_pages_are_told_with_the_private_memory_they_are_in() -> None:
    assert "heaps, stacks, JITs)" in the("anon", findings()).sentence
    assert "60 MiB in huge pages, of which one used byte holds all" in (
        the("anon", findings({"anon_thp": 60 * MIB})).sentence
    )


@pytest.mark.parametrize(
    ("lru_gen", "age"),
    [(None, "not used lately"), (False, "read once, or not for long"), (True, "it may have been read often")],
)
def test_cold_means_what_this_kernel_means_by_it(lru_gen: bool | None, age: str) -> None:  # noqa: FBT001 - a parameter of a test
    node = msgspec.structs.replace(NODE, lru_gen=lru_gen)

    assert age in the("cold_cache", findings(node=node)).sentence


def test_kernel_caches_are_called_file_names_only_where_block_records_cannot_be_most_of_it() -> None:
    names = findings({"slab_reclaimable": 40 * MIB, "kernel": 49 * MIB})
    blocks = findings({"slab_reclaimable": 6 * MIB, "kernel": 15 * MIB, "file": 74 * MIB})

    assert "file names and inodes (dentries), 34.9 MiB of it at least" in (
        the("slab_reclaimable", names).sentence
    )
    assert (
        "(buffer heads), which on blocks of 1 KiB come to 6 MiB" in the("slab_reclaimable", blocks).sentence
    )


@pytest.mark.parametrize(
    ("block", "says"),
    [
        (4096, "file names and inodes (dentries), 4.4 MiB of it at least"),
        (1024, "which on the smallest blocks it has mounted, of 1 KiB, come to 6 MiB at most"),
    ],
)
def test_block_records_are_reckoned_from_the_blocks_that_are_mounted(block: int, says: str) -> None:
    found = findings(
        {"slab_reclaimable": 6 * MIB, "kernel": 15 * MIB, "file": 74 * MIB}, {"block_bytes": block}
    )

    assert says in the("slab_reclaimable", found).sentence


def of_open_files(count: int | None, *, objects: int = 2 * MIB, names: int = 3 * MIB) -> list[Finding]:
    """Return what is found where a container's processes have so many files open."""
    stat = {"slab_unreclaimable": objects, "slab_reclaimable": names, "kernel": 12 * MIB + objects + names}
    return findings(stat, {"descriptors": count})


def test_caches_of_files_are_split_into_what_open_ones_keep_and_what_is_left() -> None:
    found = of_open_files(4096, names=9 * MIB)
    kept, left = the("open_files", found), the("slab_reclaimable", found)

    assert (kept.low_bytes, kept.estimate_bytes, kept.high_bytes) == (0, 5 * MIB, 9 * MIB)
    assert (left.low_bytes, left.estimate_bytes, left.high_bytes) == (0, 4 * MIB, 9 * MIB)
    assert "that 4,096 files, sockets and pipes keep, until they are closed." in kept.sentence
    assert "slab_reclaimable" not in {each.cause for each in of_open_files(4096, names=5 * MIB)}


@pytest.mark.parametrize("count", [None, 999])
def test_few_open_files_or_an_unknown_number_split_nothing(count: int | None) -> None:
    found = of_open_files(count)

    assert the("slab_reclaimable", found).estimate_bytes == 3 * MIB
    assert "open_files" not in {each.cause for each in found}


@pytest.mark.parametrize(
    ("count", "objects", "is_told"),
    [(1024, 4 * MIB, True), (1024, 4 * MIB + 1, False), (999, 2 * MIB, False), (None, 2 * MIB, False)],
)
def test_open_files_are_told_with_kernel_objects_that_so_many_may_be(
    count: int | None, objects: int, *, is_told: bool
) -> None:
    sentence = the("slab_unreclaimable", of_open_files(count, objects=objects)).sentence

    assert ("; its processes have 1,024 files, sockets and pipes open." in sentence) is is_told


@pytest.mark.parametrize(
    ("rings", "says"),
    [
        (
            Rings(perf_bytes=8 * MIB, looked_at=1),
            "(8 MiB perf): ps counts it as pages of files, and no cgroup",
        ),
        (
            Rings(bpf_bytes=8 * MIB, looked_at=1),
            "(8 MiB BPF): ps counts it as pages of files, and it is charged",
        ),
        (
            Rings(socket_bytes=5 * MIB, io_uring_bytes=3 * MIB, looked_at=1),
            "(5 MiB packet sockets, 3 MiB io_uring): ps counts it as pages of files, and what is BPF",
        ),
    ],
)
def test_rings_are_told_by_kind_and_by_who_pays(rings: Rings, says: str) -> None:
    found = findings({"file_mapped": 12 * MIB, "kernel": 15 * MIB}, {"rings": rings})

    assert the("rings", found).estimate_bytes == -8 * MIB
    assert says in the("rings", found).sentence


@pytest.mark.parametrize(
    ("rings", "says"),
    [
        (None, "or they are ring buffers (perf"),
        (Rings(unread=1), "or they are ring buffers (perf"),
        (Rings(looked_at=3), "or they are a driver's, mapped from its device"),
    ],
)
def test_file_pages_that_others_pay_for_may_be_rings_only_while_nobody_looked(
    rings: Rings | None, says: str
) -> None:
    assert says in the("borrowed_file", findings({"file_mapped": 12 * MIB}, {"rings": rings})).sentence


def test_a_counter_that_went_below_zero_is_no_amount() -> None:
    explained = explain_pod(pod(container(cgroup=cgroup(stat={"inactive_anon": 2**64 - 4096}))), NODE)

    assert "split_huge" not in {each.cause for each in explained.findings}
    assert any("more than any machine has" in each.reason for each in explained.undecided)


def test_what_ksm_merged_is_told_apart_from_what_processes_share() -> None:
    found = findings(sums={"rss_bytes": 170 * MIB, "pss_bytes": 120 * MIB, "ksm_bytes": 34 * MIB})

    assert the("ksm", found).estimate_bytes == -34 * MIB
    assert the("ksm", found).confidence == "bounded"
    assert the("double_counted", found).estimate_bytes == -16 * MIB
    assert "ksm" not in {each.cause for each in findings()}
