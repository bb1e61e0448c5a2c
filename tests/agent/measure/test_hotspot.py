"""Of recorded Java processes, whose native memory tracking was read beside; and of one that runs here."""

import shutil
from pathlib import Path
from subprocess import PIPE

import pytest

from memcollect_agent.measure.hotspot import NODE_BYTES, metaspace
from memcollect_agent.measure.mappings import parts, read_mappings
from memcollect_agent.parse import smaps
from memcollect_agent.parse.smaps import Mapping
from memcollect_agent.read.procfs import ProcFs
from memcollect_agent.wire import MappedPart
from worlds.children import Child
from worlds.waiting import wait_until

KIB, MIB = 1 << 10, 1 << 20
RECORDED = Path(__file__).with_name("recorded")
"""Each with 96 MiB of arrays in its heap and 20 idle threads; libraries and most stacks were left out."""
COMMITTED = {"jdk17": (8704 + 1280) * KIB, "jdk25": (8832 + 1408) * KIB}
"""Of metaspace and class space, as jcmd VM.native_memory had it: not all of that need be in memory."""
JAVA = "/opt/java/bin/java"


def told(version: str, exe: str = JAVA) -> dict[str, MappedPart]:
    data = (RECORDED / f"{version}.smaps").read_bytes()
    return {part.kind: part for part in parts(smaps.parse(data), exe)}


@pytest.mark.parametrize("version", COMMITTED)
def test_the_parts_of_a_java_process_are_named(version: str) -> None:
    found = told(version)
    assert 0.95 * COMMITTED[version] <= found["jvm-metaspace"].anon_low_bytes <= COMMITTED[version]
    assert 96 * MIB <= found["jvm-heap"].anon_low_bytes <= 128 * MIB
    assert found["jvm-heap"].mappings == 1, "the class space may lie below 32 GiB, too"
    assert {"jit", "arena", "thread-stack", "heap"} <= found.keys()


@pytest.mark.parametrize("version", COMMITTED)
def test_what_a_java_process_has_put_aside_is_no_guard_of_a_stack(version: str) -> None:
    """HotSpot's bitmaps end with what it reserved, and come to whole 64 KiB with it, as stacks do."""
    stacks = told(version)["thread-stack"]
    assert (stacks.mappings, stacks.anon_low_bytes) == (7, 7 * 88 * KIB)


@pytest.mark.parametrize("version", COMMITTED)
def test_another_program_with_such_mappings_has_no_java_heap(version: str) -> None:
    assert not {"jvm-heap", "jvm-metaspace"} & told(version, "/usr/bin/python3").keys()


HIGH = (0x7F00 << 32) + 7 * NODE_BYTES + 4 * MIB
"""Where a library may be, too."""


def node(*pieces: tuple[str, int, str], start: int = HIGH) -> list[Mapping]:
    """Return mappings that follow each other, as (permissions, size, flags)."""
    mappings = []
    for permissions, size, flags in pieces:
        mappings.append(Mapping(start, start + size, permissions, "00:00", 0, "", {}, flags))
        start += size
    return mappings


USED, REST = ("rw-p", 3 * MIB, "rd wr"), ("---p", 61 * MIB, "mr nr")


@pytest.mark.parametrize(
    "mappings",
    [
        node(USED, ("---p", 60 * MIB, "mr nr")),
        node(USED, ("---p", 62 * MIB, "mr nr")),
        node(USED, ("---p", 61 * MIB, "mr")),
        node(("rw-p", 3 * MIB, "rd wr nr"), REST),
        node(("rw-p", 3 * MIB - 4 * KIB, "rd wr"), ("---p", 61 * MIB + 4 * KIB, "mr nr")),
        node(USED, REST, start=HIGH + 2 * MIB),
        node(USED, REST, start=7 * NODE_BYTES),
        [node(USED, REST)[0]],
    ],
    ids=[
        "too short",
        "too long",
        "a guard",
        "an arena",
        "no whole pieces",
        "not aligned",
        "a heap",
        "no rest",
    ],
)
def test_what_is_not_wholly_of_a_nodes_shape_is_no_metaspace(mappings: list[Mapping]) -> None:
    assert metaspace(node(USED, REST)) == {node(USED)[0].start}
    assert metaspace(mappings) == frozenset()


GIB = 1 << 30
HEAP, CLASSES = ("rw-p", 64 * MIB, "rd wr"), ("rw-p", 5 * MIB, "rd wr")
LEFT = ("---p", GIB - 5 * MIB, "mr nr")


def test_without_an_archive_the_class_space_is_right_above_the_heap() -> None:
    mappings = node(HEAP, CLASSES, LEFT, start=4 * GIB - 64 * MIB)
    assert metaspace(mappings) == {4 * GIB}


def test_a_mapping_that_is_of_both_is_no_class_space() -> None:
    both = ("rw-p", 64 * MIB + 64 * KIB, "rd wr")
    gap, rest = ("---p", 64 * KIB, "mr nr"), ("---p", GIB - 5 * MIB - 128 * KIB, "mr nr")
    assert metaspace(node(both, gap, CLASSES, rest, start=4 * GIB - 64 * MIB)) == {4 * GIB + 128 * KIB}


def test_a_part_of_the_heap_that_looks_like_a_class_space_has_one_above_it() -> None:
    young = [("rw-p", 300 * MIB, "rd wr"), ("---p", GIB - 300 * MIB, "mr nr")]
    assert metaspace(node(HEAP, *young, CLASSES, LEFT, start=GIB)) == {2 * GIB + 64 * MIB}


def test_where_there_is_an_archive_nothing_of_the_heap_is_class_space() -> None:
    archive = Mapping(40 * GIB, 40 * GIB + MIB, "rw-p", "fe:00", 3, "/java/lib/server/classes.jsa", {})
    young = [("rw-p", 300 * MIB, "rd wr"), ("---p", GIB - 300 * MIB, "mr nr")]
    assert metaspace([*node(HEAP, *young, start=GIB), archive]) == frozenset()


def test_an_archive_of_objects_has_heap_above_it_and_no_class_space() -> None:
    archive = Mapping(0xFFE00000, 0xFFE75000, "rw-p", "fe:00", 3, "/java/lib/server/classes.jsa", {})
    above = Mapping(0xFFE75000, 0x100000000, "rw-p", "00:00", 0, "", {})
    assert metaspace([archive, above]) == frozenset()


HELD = """
import java.util.*;
public class Held {
    public static void main(String[] arguments) throws Exception {
        List<byte[]> kept = new ArrayList<>();
        for (int each = 0; each < 48; each++) {
            byte[] one = new byte[1 << 20];
            Arrays.fill(one, (byte) 1);
            kept.add(one);
        }
        System.out.println("ready");
        System.out.println(Runtime.version().feature());
        System.out.flush();
        Thread.sleep(600_000);
    }
}
"""


@pytest.mark.skipif(shutil.which("java") is None, reason="no Java here")
def test_a_java_process_that_runs_here_is_told_by_its_parts(tmp_path: Path) -> None:
    (tmp_path / "Held.java").write_text(HELD)
    options = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    with Child(("java", *options, str(tmp_path / "Held.java")), stdout=PIPE) as child:
        if child.line() != "ready":
            pytest.skip("this Java runs no program from its source")
        if int(child.line()) < 17:
            pytest.skip("this Java is older than the metaspace that is told")
        found: dict[str, MappedPart] = {}

        def at_rest() -> bool:
            with ProcFs() as proc, proc.process(child.pid) as process:
                mapped = read_mappings(process, process.exe())
            found.update({part.kind: part for part in mapped.parts})
            return mapped.pss_anon_bytes == mapped.pss_anon_before_bytes

        wait_until(at_rest)
    assert 48 * MIB <= found["jvm-heap"].anon_low_bytes <= 256 * MIB
    assert 2 * MIB <= found["jvm-metaspace"].anon_low_bytes <= 64 * MIB
    assert found["thread-stack"].mappings >= 5
    assert found["jit"].anon_low_bytes > 0
