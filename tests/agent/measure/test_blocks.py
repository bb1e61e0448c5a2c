"""How small the blocks are that a process has mounted, as the kernel says it of real directories."""

import os
from pathlib import Path

import pytest

from memcollect_agent.measure.blocks import is_worth_asking, smallest_block_bytes
from memcollect_agent.read.procfs import ProcFs

PID = 7
MIB = 1 << 20


def line(device: str, target: str, kind: str) -> str:
    return f"36 35 {device} / {target} rw - {kind} /dev/x rw\n"


def asked(base: Path, *mounts: str) -> int | None:
    """Return what is told of a process that sees these mounts below `base`/seen."""
    process = base / str(PID)
    process.mkdir()
    (process / "mountinfo").write_text("".join(mounts))
    seen = base / "seen"
    (seen / "data").mkdir(parents=True)
    (process / "root").symlink_to(seen)
    with ProcFs(str(base)) as proc:
        return smallest_block_bytes(proc, PID)


@pytest.mark.parametrize("kind", ["ext4", "overlay"])
def test_the_file_system_itself_is_asked(tmp_path: Path, kind: str) -> None:
    assert asked(tmp_path, line("8:1", "/", "xfs"), line("8:2", "/data", kind)) == (
        os.statvfs(tmp_path).f_bsize
    )


@pytest.mark.parametrize(
    "mounts",
    [
        [line("8:1", "/", "xfs"), line("0:5", "/data", "tmpfs")],
        [line("8:1", "/", "ext4").replace("/ rw", "/gone rw", 1)],
        [line("0:9", "/data", "fuse.sshfs"), line("8:2", "/data/below", "ext4")],
        ["no mount\n"],
        [],
    ],
    ids=["no block records", "gone", "behind what may hang", "odd", "none"],
)
def test_what_has_none_or_cannot_be_asked_safely_tells_nothing(tmp_path: Path, mounts: list[str]) -> None:
    assert asked(tmp_path, *mounts) is None


def test_a_process_that_is_gone_tells_nothing(tmp_path: Path) -> None:
    with ProcFs(str(tmp_path)) as proc:
        assert smallest_block_bytes(proc, PID) is None


def test_it_is_asked_only_where_kernel_caches_are_large() -> None:
    assert is_worth_asking({"slab_reclaimable": MIB})
    assert not is_worth_asking({"slab_reclaimable": MIB - 1})
    assert not is_worth_asking(None)
