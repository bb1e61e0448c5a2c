"""What an unnamed mapping is told to be, and how little must lack for it to be told nothing."""

import pytest

from memcollect_agent.measure.shapes import Surroundings, bss_of, shape_of
from memcollect_agent.parse.smaps import Mapping

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
ARENA = 64 * MIB
PAGE = 4 * KIB
JAVA, NODE = "/opt/java/bin/java", "/usr/bin/node"


def at(start: int, size: int = MIB, permissions: str = "rw-p", *, path: str = "", flags: str = "") -> Mapping:
    return Mapping(start, start + size, permissions, "00:00", 0, path, {}, flags)


@pytest.mark.parametrize(
    ("kind", "mapping", "around"),
    [
        ("arena", at(5 * ARENA, ARENA, flags="rd wr nr"), Surroundings(None)),
        ("", at(5 * ARENA, ARENA, flags="rd wr"), Surroundings(None)),
        ("arena", at(5 * ARENA), Surroundings(None, above=at(5 * ARENA + MIB, ARENA - MIB, "---p"))),
        ("", at(5 * ARENA), Surroundings(None, above=at(5 * ARENA + MIB, ARENA - 2 * MIB, "---p"))),
        ("", at(5 * ARENA), Surroundings(None, above=at(5 * ARENA + 2 * MIB, ARENA, "---p"))),
        ("", at(5 * ARENA), Surroundings(None, above=at(5 * ARENA + MIB, ARENA - MIB, "---p", path="/x"))),
        ("v8", at(7 * 256 * KIB, 256 * KIB), Surroundings(NODE)),
        ("", at(7 * 256 * KIB + PAGE, 256 * KIB), Surroundings(NODE)),
        ("", at(7 * 256 * KIB, 256 * KIB - PAGE), Surroundings(NODE)),
        ("", at(7 * 256 * KIB, 256 * KIB), Surroundings("/usr/bin/python3")),
        ("jvm-heap", at(3 * GIB + MIB), Surroundings(JAVA)),
        ("", at(300 * GIB + MIB), Surroundings(JAVA)),
        ("", at(3 * GIB + MIB), Surroundings("/usr/bin/python3")),
        ("jvm-metaspace", at(33 * GIB + MIB), Surroundings(JAVA)),
        ("", at(33 * GIB + MIB + PAGE), Surroundings(None)),
        ("jvm-metaspace", at(300 * GIB), Surroundings(None, metaspace=frozenset({300 * GIB}))),
        ("", at(0xC0 << 32, permissions="r--p"), Surroundings(None)),
    ],
)
def test_a_shape_is_told_by_its_place_its_size_and_its_neighbours(
    kind: str, mapping: Mapping, around: Surroundings
) -> None:
    assert shape_of(mapping, around) == kind


GUARD = at(MIB, PAGE, "---p")


@pytest.mark.parametrize(
    ("kind", "mapping", "guard"),
    [
        ("thread-stack", at(GUARD.end), GUARD),
        ("thread-stack", at(GUARD.end, 128 * KIB), GUARD),
        ("thread-stack", at(GUARD.end, MIB - PAGE), GUARD),
        ("", at(GUARD.end, MIB - 2 * PAGE), GUARD),
        ("", at(GUARD.end, 64 * KIB), GUARD),
        ("", at(GUARD.end, 512 * MIB), GUARD),
        ("", at(GUARD.end + PAGE), GUARD),
        ("", at(GUARD.end), at(MIB, PAGE, "r--p")),
        ("", at(GUARD.end), at(MIB, PAGE, "---p", flags="mr nr")),
        ("", at(4 * MIB), at(2 * MIB, 2 * MIB, "---p")),
    ],
)
def test_a_threads_stack_has_its_guard_right_below_it(kind: str, mapping: Mapping, guard: Mapping) -> None:
    assert shape_of(mapping, Surroundings(None, below=guard)) == kind


@pytest.mark.parametrize(
    ("told", "mapping", "below"),
    [
        ("/a", at(MIB, 8 * MIB), at(0, path="/a")),
        ("/lib", at(MIB), at(0, path="/lib")),
        (None, at(MIB, MIB + PAGE), at(0, path="/lib")),
        (None, at(MIB + PAGE), at(0, path="/a")),
        (None, at(MIB), at(0, path="[heap]")),
        (None, at(MIB), at(0, permissions="r--p", path="/a")),
        (None, at(MIB), at(0, permissions="rw-s", path="/a")),
        (None, at(MIB, permissions="r--p"), at(0, path="/a")),
    ],
)
def test_a_files_zeroed_data_begins_where_its_writable_data_ends(
    told: str | None, mapping: Mapping, below: Mapping
) -> None:
    assert bss_of(mapping, Surroundings("/a", below=below)) == told
