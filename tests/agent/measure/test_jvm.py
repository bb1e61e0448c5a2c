"""A JVM's heap and metaspace, told by their shapes, against its own account (native memory tracking)."""

import subprocess
from pathlib import Path

import pytest

from memcollect_agent.measure.mappings import read_mappings
from memcollect_agent.read.procfs import ProcFs
from worlds import children, java_process

KIB = 1 << 10
JVMS = {
    "serial": ["-Xms128m", "-Xmx128m", "-XX:+UseSerialGC"],
    "parallel": ["-Xms128m", "-Xmx128m", "-XX:+UseParallelGC"],
    # Of G1's heap the archive of objects is a part, 0.9 MiB, whose pages are a file's.
    "g1": ["-Xms128m", "-Xmx128m", "-XX:+UseG1GC"],
    "without an archive of classes": ["-Xms128m", "-Xmx128m", "-XX:+UseG1GC", "-Xshare:off"],
    "a heap that may grow to a node's size": ["-Xms16m", "-Xmx64m", "-XX:+UseSerialGC"],
}


def tolerance(size: int) -> float:
    return max(256 * KIB, size / 100)


@pytest.mark.skipif(bool(java_process.why_not()), reason=java_process.why_not())
@pytest.mark.parametrize("jvm", JVMS)
def test_heap_and_metaspace_are_what_the_jvm_says_of_itself(jvm: str, tmp_path: Path) -> None:
    java_process.compiled(tmp_path)
    words = java_process.command(tmp_path, *JVMS[jvm])
    with children.Child(words, stdout=subprocess.PIPE) as process, ProcFs("/proc") as proc:
        assert process.line() == "ready"
        own = java_process.account(process.pid)
        told = read_mappings(proc.process(process.pid), str(Path(f"/proc/{process.pid}/exe").readlink()))
    found = {each.kind: each.anon_low_bytes for each in told.parts if each.kind.startswith("jvm-")}
    assert found == {
        "jvm-heap": pytest.approx(own.heap, abs=tolerance(own.heap)),
        "jvm-metaspace": pytest.approx(own.metaspace, abs=tolerance(own.metaspace)),
    }
