"""Answers of few bytes that become as much memory as their shape can. Run as a program it measures one.

Arguments: the shape's name, and how much of what is allowed it is to come to, in percent. Printed are what
became of it, and by how many MiB this process had grown at its most, the answer itself included.
"""

import itertools
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from memcollect.sources import unpacking
from memcollect.sources.agent_http import LARGEST_BYTES, AgentFailure, decoded
from memcollect.sources.transport import Endpoint
from memcollect_agent import wire

pack = msgspec.msgpack.encode
_TIMES = {"read_at": 1.0, "finished_at": 2.0}
_SAMPLE = {"sampled_at": 1.0, "finished_at": 2.0, "node": {"name": ""}}
_HISTORY = {"path": "", "inode": 1, "pod_uid": ""}
_LIST, _MAP = b"\xdd", b"\xdf"


def _unequal(value: bytes) -> Callable[[int], Iterable[bytes]]:
    """Return what makes entries of a map, each under a name of its own."""
    return lambda count: (
        b"\xa4" + bytes(name) + value
        for name in itertools.islice(itertools.product(range(0x21, 0x7F), repeat=4), count)
    )


def _same(value: bytes) -> Callable[[int], Iterable[bytes]]:
    return lambda count: itertools.repeat(value, count)


SHAPES: dict[
    str, tuple[type[msgspec.Struct], dict[str, Any], str, bytes, Callable[[int], Iterable[bytes]]]
] = {
    "uses": (wire.CgroupTree, _TIMES, "cgroups", _LIST, _same(pack({"path": ""}))),
    "cgroups": (wire.NodeSample, _SAMPLE, "pods_parents", _LIST, _same(pack({"path": ""}))),
    "containers": (wire.NodeSample, _SAMPLE, "strays", _LIST, _same(pack({"cgroup": {"path": ""}}))),
    "pods": (wire.NodeSample, _SAMPLE, "pods", _LIST, _same(pack({"uid": "", "cgroup": {"path": ""}}))),
    "unequal keys": (wire.CgroupUse, {"path": ""}, "stat", _MAP, _unequal(b"\xcd\x0f\xff")),
    "columns": (wire.CgroupHistory, _HISTORY, "stat", _MAP, _unequal(b"\x91\x00")),
    "maps in a map": (wire.Cgroup, {"path": ""}, "numa_stat", _MAP, _unequal(b"\x80")),
    "reasons": (wire.Cgroup, {"path": ""}, "absent", _MAP, _unequal(b"\xa2ab")),
    "texts": (wire.Cgroup, {"path": ""}, "controllers", _LIST, _same(b"\xa2ab")),
    "wide texts": (wire.Cgroup, {"path": ""}, "controllers", _LIST, _same(b"\xa5a\xf0\x9f\x98\x80")),
    "one long text": (wire.CgroupUse, {}, "path", b"", _same(b"\xdb\x01\xe0\x00\x00" + b"a" * (30 << 20))),
    "counts": (wire.CgroupHistory, _HISTORY, "current_bytes", _LIST, _same(b"\xcd\x0f\xff")),
    "nothings": (wire.CgroupHistory, _HISTORY, "current_bytes", _LIST, _same(b"\xc0")),
}


def answer(name: str, percent: int) -> tuple[type[msgspec.Struct], bytes]:
    """Return the answer of that shape, no longer than any may be, and what it is to be decoded as."""
    kind, others, field, head, parts = SHAPES[name]
    one = next(iter(parts(1)))
    count = 1
    if head:
        allowed = unpacking.MOST_DECODED_BYTES * percent // 100
        count = min(allowed // unpacking.decoded_bytes(one), (LARGEST_BYTES - 1000) // len(one))
        head += count.to_bytes(4, "big")
    fields = b"".join(pack(key) + pack(value) for key, value in others.items())
    return kind, bytes([0x81 + len(others)]) + fields + pack(field) + head + b"".join(parts(count))


def _mib(field: str) -> int:
    # Not ru_maxrss, which outlives exec: it would hold what the process that started this one had.
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) >> 10


def main() -> None:
    """Decode one, and say what came of it."""
    before = _mib("VmRSS")
    kind, body = answer(sys.argv[1], int(sys.argv[2]))
    # The peak of making it, which is freed, does not count.
    Path("/proc/self/clear_refs").write_text("5")
    try:
        decoded(body, kind, Endpoint(pod="p", port=1))
        said = "decoded"
    except AgentFailure as error:
        said = error.reason
    sys.stdout.write(f"{said} {_mib('VmHWM') - before}\n")


if __name__ == "__main__":
    main()
