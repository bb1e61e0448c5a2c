"""A Java process whose heap and metaspace are known: by what it was told to take, and by its own account."""

import re
import shutil
from pathlib import Path

from msgspec import Struct

from worlds import children

TOOLS = ("java", "javac", "jcmd")
LOADERS = 2_000
"""Each loads a class of its own: a metaspace of some MiB, where a small program has 0.3."""
_SOURCE = """
import java.util.ArrayList;
import java.util.List;

public final class Held {
    static final class Loader extends ClassLoader {
        Class<?> define(byte[] bytes) { return defineClass(null, bytes, 0, bytes.length); }
    }

    public static void main(String[] arguments) throws Exception {
        List<Class<?>> held = new ArrayList<>();
        byte[] bytes;
        try (var stream = Held.class.getResourceAsStream("Held.class")) { bytes = stream.readAllBytes(); }
        for (int index = Integer.parseInt(arguments[0]); index > 0; index--) {
            held.add(new Loader().define(bytes));
        }
        System.out.println("ready");
        Thread.sleep(Long.MAX_VALUE);
    }
}
"""


class Account(Struct, frozen=True):
    """What the process says that it has committed, in bytes."""

    heap: int
    metaspace: int
    """With its class space."""


def why_not() -> str:
    """Return why no Java process can be had here; "" where one can."""
    lacking = [each for each in TOOLS if shutil.which(each) is None]
    return f"a JDK is not installed: no {', '.join(lacking)}" if lacking else ""


def compiled(directory: Path) -> None:
    """Put the program there."""
    source = directory / "Held.java"
    source.write_text(_SOURCE)
    children.run(["javac", "-d", directory, source], check=True)


def command(directory: Path, *options: str) -> list[str]:
    """Return what runs it, with every page of its heap touched."""
    told = ["-XX:+AlwaysPreTouch", "-XX:NativeMemoryTracking=summary", *options]
    return ["java", *told, "-cp", str(directory), "Held", str(LOADERS)]


def account(pid: int) -> Account:
    """Return the process's own account."""
    memory = _asked(pid, "VM.native_memory", "summary", "scale=KB")
    spaces = _asked(pid, "VM.metaspace", "scale=KB").partition("Virtual space:")[2]
    heap = re.search(r"Java Heap \(reserved=\d+KB, committed=(\d+)KB\)", memory)
    both = re.search(r"Both:\s+[\d.]+ KB reserved,\s+([\d.]+) KB", spaces)
    assert heap is not None, memory
    assert both is not None, spaces
    return Account(int(heap[1]) << 10, int(float(both[1])) << 10)


def _asked(pid: int, *words: str) -> str:
    return children.run(["jcmd", str(pid), *words], check=True).stdout
