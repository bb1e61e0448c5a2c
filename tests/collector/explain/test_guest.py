from memcollect.documents.snapshot import Container
from memcollect.explain.guest import guest_amount, guests_of, mappers, own_pss, scopes_of, sharers
from memcollect_agent.wire import Hint, Region
from worlds.builders import MIB, cgroup, container, pod


def region(backing: str, size: int, name: str = "", **more: object) -> Region:
    fields: dict[str, object] = {"size_bytes": size, "rss_bytes": size, "pss_bytes": size, "writable": True}
    return Region(backing=backing, name=name, **{**fields, **more})  # type: ignore[arg-type]


def hint(kind: str, *regions: Region, pid: int = 7) -> Hint:
    total = sum(each.pss_bytes for each in regions)
    return Hint(kind=kind, pid=pid, program=kind, by="argv[0]", regions=list(regions), pss_bytes=total)


def sandbox(*hints: Hint, shmem: int = 0, hugetlb: int | None = None) -> Container:
    holding = cgroup(stat={"shmem": shmem}, hugetlb=None if hugetlb is None else {"2MB": hugetlb})
    return container("sandbox", role="sandbox", hints=list(hints), cgroup=holding)


def test_shared_guest_memory_is_what_the_cgroup_is_charged_as_shmem() -> None:
    """A stub may have touched pages that the Sentry itself does not map."""
    sentry = hint("sentry", region("memfd", 30 * MIB, "runsc-memory"))
    (guest,) = guests_of(scopes_of(pod(sandbox(sentry, shmem=40 * MIB))))
    interval = guest_amount(guest).interval
    assert (interval.low, interval.high, interval.estimate) == (30 * MIB, 40 * MIB, 40 * MIB)


def test_no_name_of_a_memfd_claims_more_than_the_cgroup_is_charged() -> None:
    """A process may map the same pages again and again, and call them what it likes."""
    claimed = 858 * 1024 * MIB
    for backing, name in (("memfd", "runsc-memory"), ("shm", "/dev/shm/ram"), ("anon", ""), ("hugetlb", "x")):
        more = {"hugetlb_bytes": claimed} if backing == "hugetlb" else {}
        kind = "sentry" if backing == "memfd" else "vmm"
        held = hint(kind, region(backing, claimed, name, private=backing == "anon", **more))
        holding = cgroup(stat={"shmem": 30 * MIB, "anon": 30 * MIB}, hugetlb={"2MB": 30 * MIB})
        scope = container("sandbox", role="sandbox", hints=[held], cgroup=holding)
        (guest,) = guests_of(scopes_of(pod(scope)))
        assert guest_amount(guest).interval.high <= 30 * MIB


def test_another_memfd_of_a_sentry_is_not_its_guest() -> None:
    sentry = hint("sentry", region("memfd", 30 * MIB, "memory-usage"), region("anon", 64 * MIB))
    assert guests_of(scopes_of(pod(sandbox(sentry)))) == []


def test_unnamed_memory_is_the_guests_only_where_no_ram_has_a_name() -> None:
    named = hint("vmm", region("shm", 32 * MIB, "/dev/shm/ram"), region("anon", 64 * MIB, private=True))
    unnamed = hint("vmm", region("anon", 64 * MIB, private=True))
    backings = [guests_of(scopes_of(pod(sandbox(each))))[0].backing for each in (named, unnamed)]
    assert backings == ["shm", "anon"]


def test_a_library_that_cannot_be_written_is_no_snapshot() -> None:
    vmm = hint("vmm", region("file", 40 * MIB, "/usr/bin/qemu", private=True, writable=False))
    assert guests_of(scopes_of(pod(sandbox(vmm)))) == []


def test_huge_pages_are_measured_beside_the_charge() -> None:
    huge = region("hugetlb", 512 * MIB, rss_bytes=0, pss_bytes=0, hugetlb_bytes=256 * MIB)
    (guest,) = guests_of(scopes_of(pod(sandbox(hint("vmm", huge), hugetlb=260 * MIB))))
    interval = guest_amount(guest).interval
    assert (interval.low, interval.high, interval.estimate) == (256 * MIB, 260 * MIB, 256 * MIB)


def test_a_second_mapper_is_known_by_the_memorys_name_and_its_own_cost_is_without_it() -> None:
    ram = region("memfd", 64 * MIB, "kata", pss_bytes=32 * MIB)
    visitor = hint("virtiofsd", ram, region("rest", 3 * MIB, private=True), pid=8)
    (guest,) = guests_of(scopes_of(pod(sandbox(hint("vmm", ram), visitor, shmem=64 * MIB))))
    assert [each.pid for each in mappers(guest, guest.scope.hints)] == [7, 8]
    assert own_pss(visitor, guest) == 3 * MIB
    assert own_pss(Hint(kind="gofer", pid=9, program="x", by="exe"), guest) is None


def test_how_many_share_a_snapshot_follows_from_its_pss() -> None:
    shared = region("file", 46 * MIB, "/s", private=True, anon_bytes=6 * MIB, pss_bytes=16 * MIB)
    assert sharers(shared) == 4
    assert sharers(region("file", 6 * MIB, "/s", private=True, anon_bytes=6 * MIB)) is None


PRIVATE = {
    "file": 8392 * MIB,
    "shmem": 180 * MIB,
    "file_mapped": 190 * MIB,
    "unevictable": 8192 * MIB,
    "active_file": 20 * MIB,
    "inactive_file": 0,
}
"""memory.stat of a confidential guest's VMM: guest_memfd of 8 GiB, and 180 MiB that it shares with it."""


def confidential(kind: str = "vmm", **changed: int) -> Container:
    holder = hint(kind, region("memfd", 180 * MIB, "ram"))
    return container("sandbox", role="sandbox", hints=[holder], cgroup=cgroup(stat={**PRIVATE, **changed}))


def test_a_confidential_guests_private_pages_are_its_memory_though_no_process_maps_them() -> None:
    """KVM's guest_memfd is page cache of an unevictable mapping, which cannot be mapped."""
    (guest,) = guests_of(scopes_of(pod(confidential())))
    interval = guest_amount(guest).interval

    assert guest.backing == "guest_memfd"
    assert (interval.low, interval.high, interval.estimate) == (8182 * MIB, 8372 * MIB, 8372 * MIB)
    assert guest_amount(guest).confidence == "inferred"


def test_a_guest_that_shares_nothing_with_its_vmm_is_found_all_the_same() -> None:
    alone = hint("vmm", region("rest", 3 * MIB))
    held = container("sandbox", role="sandbox", hints=[alone], cgroup=cgroup(stat=PRIVATE))

    assert [each.backing for each in guests_of(scopes_of(pod(held)))] == ["guest_memfd"]


def test_files_that_a_vmm_has_locked_are_not_taken_for_a_guest() -> None:
    """QEMU that locks all of its memory has its own program's pages on no list, and maps them."""
    locked = confidential(file=240 * MIB, file_mapped=210 * MIB, unevictable=40 * MIB)
    (guest,) = guests_of(scopes_of(pod(locked)))

    assert guest.backing == "memfd"
    assert guest_amount(guest).interval.high == 180 * MIB


def test_a_sentry_has_no_guest_memfd() -> None:
    assert guests_of(scopes_of(pod(confidential("sentry")))) == []
