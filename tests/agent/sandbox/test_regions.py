from pathlib import Path

from memcollect_agent.parse.smaps import Mapping
from memcollect_agent.read.procfs import ProcFs
from memcollect_agent.sandbox.regions import MOST_REGIONS, read_regions, regions

MIB = 1 << 20


def mapping(path: str, size: int, permissions: str = "rw-p", **sizes: int) -> Mapping:
    known = {"Rss": size, "Pss": size, "Anonymous": 0, **sizes}
    return Mapping(0, size, permissions, "00:01", 1, path, known)


def test_the_guests_memory_is_named_by_where_it_comes_from() -> None:
    found = regions(
        [
            mapping("/memfd:runsc-memory (deleted)", 40 * MIB, "rw-s", Pss=20 * MIB),
            mapping("/memfd:runsc-memory (deleted)", 10 * MIB, "rw-s", Pss=5 * MIB),
            mapping("/dev/shm/pc.ram (deleted)", 30 * MIB, "rw-s"),
            mapping("/snapshots/mem.snap", 20 * MIB, "rw-p", Anonymous=4 * MIB),
            mapping("", 64 * MIB, Rss=18 * MIB, Anonymous=18 * MIB),
            mapping("", 2 * MIB, Rss=1 * MIB, Anonymous=1 * MIB),
            mapping("[heap]", 8 * MIB, Rss=3 * MIB, Anonymous=3 * MIB),
        ]
    )
    told = {(each.backing, each.name, each.private): (each.rss_bytes, each.anon_bytes) for each in found}
    assert told == {
        ("memfd", "runsc-memory", False): (50 * MIB, 0),
        ("shm", "/dev/shm/pc.ram", False): (30 * MIB, 0),
        ("file", "/snapshots/mem.snap", True): (20 * MIB, 4 * MIB),
        ("anon", "", True): (18 * MIB, 18 * MIB),
        ("rest", "", True): (4 * MIB, 4 * MIB),
    }
    assert found[0].pss_bytes == 25 * MIB


def test_huge_pages_are_a_backing_of_their_own_and_not_in_rss() -> None:
    huge = mapping("/memfd:guest (deleted)", 64 * MIB, Rss=0, Shared_Hugetlb=0, Private_Hugetlb=64 * MIB)
    (found,) = regions([huge])
    assert (found.backing, found.hugetlb_bytes, found.rss_bytes) == ("hugetlb", 64 * MIB, 0)


def test_a_reservation_that_nobody_may_write_is_no_guest_memory() -> None:
    (found,) = regions([mapping("", 512 * MIB, "---p", Rss=0)])
    assert found.backing == "rest"


def test_a_field_that_one_mapping_lacks_is_unknown_of_all() -> None:
    without = Mapping(0, 2 * MIB, "rw-s", "00:01", 1, "/memfd:a", {"Rss": MIB, "Pss": MIB})
    (found,) = regions([without, mapping("/memfd:a", 2 * MIB, "rw-s")])
    assert (found.anon_bytes, found.mappings) == (None, 2)


def test_many_files_are_added_up_and_none_is_lost() -> None:
    found = regions([mapping(f"/lib/{number}", 2 * MIB) for number in range(40)])
    assert len(found) == MOST_REGIONS + 1
    assert sum(each.rss_bytes for each in found) == 80 * MIB
    assert sum(each.mappings for each in found) == 40


def test_huge_pages_among_the_many_are_not_lost() -> None:
    huge = [
        mapping(f"/memfd:guest-{number}", 2 * MIB, Rss=0, Shared_Hugetlb=0, Private_Hugetlb=2 * MIB)
        for number in range(40)
    ]
    found = regions(huge)
    assert sum(each.hugetlb_bytes or 0 for each in found) == 80 * MIB


def test_a_regions_address_space_is_the_sum_of_its_mappings() -> None:
    halves = [
        Mapping(start * MIB, end * MIB, "rw-s", "00:01", 1, "/memfd:guest", {"Rss": 0, "Pss": 0})
        for start, end in ((100, 104), (200, 203))
    ]
    (found,) = regions(halves)
    assert (found.size_bytes, found.mappings) == (7 * MIB, 2)


def test_a_guest_on_huge_pages_comes_before_smaller_regions() -> None:
    files = [mapping(f"/lib/{number}", 2 * MIB) for number in range(40)]
    huge = mapping("/memfd:guest (deleted)", 64 * MIB, Rss=0, Shared_Hugetlb=64 * MIB, Private_Hugetlb=0)
    assert regions([*files, huge])[0].hugetlb_bytes == 64 * MIB


def test_what_one_region_lacks_is_unknown_of_the_rest_too() -> None:
    files = [mapping(f"/lib/{number}", 2 * MIB, Rss=number) for number in range(40)]
    without = Mapping(0, 2 * MIB, "r--p", "00:01", 1, "/lib/x", {"Rss": 0, "Pss": 0})
    assert regions(files)[-1].anon_bytes == 0
    assert regions([*files, without])[-1].anon_bytes is None


def test_a_name_cannot_command_a_terminal() -> None:
    (found,) = regions([mapping("/memfd:\x1b[2J", 2 * MIB, "rw-s")])
    assert found.name == r"\x1b[2J"


def test_a_processs_own_mappings_are_read_whole() -> None:
    with ProcFs("/proc") as proc, proc.process(int(Path("/proc/self").readlink().name)) as process:
        found, reason = read_regions(process)
    assert reason == ""
    assert sum(each.mappings for each in found) > 10
