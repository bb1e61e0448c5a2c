"""What a kernel is started with, and what is said of one that ended early."""

from pathlib import Path

import pytest

from memcollect.lab import matrix, processor, uml
from memcollect.lab.errors import MachineError
from memcollect.lab.kernels import Kernel

AMX_BYTES, AVX_BYTES = 11008, 832
AS_IT_IS, PADDED = "", "register_padding.x86_64.so"


@pytest.mark.parametrize(
    ("version", "host_bytes", "preloaded"),
    [
        *((row.version, AVX_BYTES, AS_IT_IS) for row in matrix.MATRIX if row.boot is matrix.Boot.PROGRAM),
        *((row.version, None, AS_IT_IS) for row in matrix.MATRIX if row.boot is matrix.Boot.PROGRAM),
        *((version, AMX_BYTES, PADDED) for version in ("5.10", "6.1", "6.12")),
        ("7.2", AMX_BYTES, AS_IT_IS),
    ],
)
def test_a_kernel_is_padded_only_where_it_sets_less_than_the_processor_has(
    version: str, host_bytes: int | None, preloaded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor, "register_bytes", lambda: host_bytes)
    row = matrix.row_of(version)
    assert row is not None
    kernel = Kernel(release=version, program="", modules="", traces=row.traces, sets_bytes=row.sets_bytes)
    environment = uml.environment_of(kernel, tmp_path, tmp_path)
    assert Path(environment["LD_PRELOAD"]).name == preloaded
    assert [file.name for file in tmp_path.iterdir()] == ([preloaded] if preloaded else [])


def test_what_is_preloaded_for_others_is_not_for_the_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_PRELOAD", "/usr/lib/libjemalloc.so")
    kernel = Kernel(release="7.2", program="", modules="", traces=False)
    assert uml.environment_of(kernel, tmp_path, tmp_path)["LD_PRELOAD"] == ""


def test_a_kernel_that_needs_no_ptrace_does_not_ask_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked_down() -> int:
        raise processor.locked_down(2)

    monkeypatch.setattr(processor, "register_bytes", locked_down)
    uml.environment_of(Kernel(release="7.2", program="", modules="", traces=False), tmp_path, tmp_path)
    with pytest.raises(MachineError, match=r"ptrace_scope = 2\), and this kernel runs its programs"):
        uml.environment_of(Kernel(release="6.1", program="", modules=""), tmp_path, tmp_path)


REFUSED = """\
mmapper_init - find_iomem failed
Failed to initialize ubd device 0 :Couldn't determine size of device's file
userspace - ptrace set fp regs failed, errno = 14
Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b
CPU: 0 PID: 1 Comm: init Not tainted 6.1.176 #1
Stack:
 606944ba 607e7fcd 94c4bb90 6067bb96
Call Trace:
 [<60046010>] ? um_set_signals+0x36/0x3e
 [<6005c524>] request_failed+0x895/0x8ba
"""
"""As 6.1 said it where the host refused its registers."""
NO_ROOT = "Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)"


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (REFUSED, "userspace - ptrace set fp regs failed, errno = 14"),
        (f"[    0.1] Run /init as init process\n[    0.2] {NO_ROOT}\n[    0.2] CPU: 0 PID: 1\n", NO_ROOT),
        ("Too few physical memory! Needed=478150656\n", "Too few physical memory! Needed=478150656"),
        ("mmapper_init - find_iomem failed\n\n", "nothing"),
        ("", "nothing"),
    ],
)
def test_an_early_end_is_told_by_the_line_that_says_why(log: str, said: str) -> None:
    assert uml.early_end(log) == f"the kernel ended before its work was done; it said: {said}"
