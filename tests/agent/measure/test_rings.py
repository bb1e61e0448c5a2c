"""Rings that processes map, told from the files that they look like: of a real packet socket."""

import mmap
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from memcollect_agent.measure.rings import LEAST_BYTES, Mapper, find_rings, points_to_rings
from memcollect_agent.read.procfs import ProcFs
from memcollect_agent.wire import ProcessSums, Rings
from worlds.agent_trees import Machine, pid_stat

MIB = 1 << 20
RING_BYTES = 4 * MIB
_BLOCK_BYTES = 1 << 16
_FRAME_BYTES = 1 << 11
_SOL_PACKET, _PACKET_RX_RING = 263, 5  # include/linux/socket.h, include/uapi/linux/if_packet.h
HERE = os.getpid()


@pytest.fixture
def ring() -> Iterator[None]:
    """Map a receive ring of RING_BYTES, all of which the kernel puts into the page tables at once."""
    try:
        packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    except OSError as error:
        pytest.skip(f"this machine gives no packet socket: {error}")
    with packets:
        wanted = (_BLOCK_BYTES, RING_BYTES // _BLOCK_BYTES, _FRAME_BYTES, RING_BYTES // _FRAME_BYTES)
        packets.setsockopt(_SOL_PACKET, _PACKET_RX_RING, struct.pack("IIII", *wanted))
        with mmap.mmap(packets.fileno(), RING_BYTES):
            yield


def mapper(pid: int = HERE, pss_file: int = 2 * LEAST_BYTES, start: int | None = None) -> Mapper:
    with ProcFs() as proc, proc.process(HERE) as process:
        return Mapper(pid, process.stat().start_ticks if start is None else start, pss_file)


def found(*mappers: Mapper, late: bool = False) -> Rings:
    with ProcFs() as proc:
        return find_rings(proc, mappers, lambda: late)


@pytest.mark.usefixtures("ring")
def test_a_sockets_ring_is_found_with_its_size() -> None:
    assert found(mapper()) == Rings(socket_bytes=RING_BYTES, looked_at=1)


def test_a_file_named_like_a_ring_is_none(tmp_path: Path) -> None:
    path = tmp_path / "socket:[1]"
    path.write_bytes(b"x" * MIB)
    with path.open("r+b") as file, mmap.mmap(file.fileno(), MIB) as mapped:
        assert mapped[0] == ord("x")
        assert found(mapper()) == Rings(looked_at=1)


@pytest.mark.parametrize("one", [{"start": 1}, {"pss_file": LEAST_BYTES - 1}])
@pytest.mark.usefixtures("ring")
def test_of_a_number_that_is_anothers_by_now_or_little_that_is_mapped_nothing_is_said(
    one: dict[str, int],
) -> None:
    assert found(mapper(**one)) == Rings()


def test_what_is_not_looked_at_is_counted(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    process = machine.base / "proc/7"
    process.mkdir()
    (process / "stat").write_text(pid_stat(7))
    (process / "maps").symlink_to("stat")

    with ProcFs(str(machine.base / "proc")) as proc:
        assert find_rings(proc, [Mapper(7, 100, MIB)], lambda: False) == Rings(unread=1)
    assert found(mapper(), mapper(), late=True) == Rings(unread=2)


@pytest.mark.parametrize(
    ("stat", "pss_file", "points"),
    [
        ({"file_mapped": 8 * MIB, "kernel": MIB, "slab": MIB}, 9 * MIB, True),
        ({"file_mapped": 9 * MIB, "kernel": MIB, "slab": MIB}, 9 * MIB, False),
        ({"file_mapped": 9 * MIB, "kernel": 3 * MIB, "slab": MIB}, 9 * MIB, True),
        ({"file_mapped": 9 * MIB, "kernel": 3 * MIB, "slab": MIB}, MIB - 1, False),
        ({}, 9 * MIB, False),
        (None, 9 * MIB, False),
    ],
)
def test_rings_are_looked_for_where_the_numbers_leave_room_for_them(
    stat: dict[str, int] | None, pss_file: int, *, points: bool
) -> None:
    sums = ProcessSums(pss_file_bytes=pss_file, pss_shmem_bytes=0)

    assert points_to_rings(stat, sums) is points
