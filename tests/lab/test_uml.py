"""The harness itself: what comes out of a guest, and that nothing of it stays."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import pytest

from lab.compile import compiler
from memcollect.lab import space, uml
from memcollect.lab.errors import BootError, TimeLimitError
from memcollect.lab.kernels import Kernel
from worlds import children

pytestmark = pytest.mark.lab


def machine(kernel: Kernel, program: str, **more: object) -> uml.Machine:
    return uml.Machine(kernel=kernel, command=[sys.executable, "-c", program], **more)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def own_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for the files of this test's guests alone: other tests boot some at the same time."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert space.files_directory(1) == tmp_path
    return tmp_path


def leftovers() -> list[str]:
    return [path.name for path in space.files_directory(1).glob("memcollect-lab-*")]


def test_lines_errors_and_the_exit_code_come_out(kernel: Kernel) -> None:
    lines: list[str] = []
    program = "import sys; print('one\\ntwo', flush=True); print('bad', file=sys.stderr); sys.exit(7)"
    outcome = uml.boot(machine(kernel, program), lines.append)
    assert (outcome.exit_code, lines, outcome.errors) == (7, ["one", "two"], ["bad"])
    assert leftovers() == []


def test_a_command_ended_by_a_signal_has_the_shells_exit_code(kernel: Kernel) -> None:
    outcome = uml.boot(machine(kernel, "import os; os.kill(os.getpid(), 9)"))
    assert outcome.exit_code == 128 + signal.SIGKILL


def test_disk_and_swap_are_there_and_the_memory_controller_is_handed_down(
    kernel: Kernel, tmp_path: Path
) -> None:
    content = tmp_path / "content"
    content.mkdir()
    (content / "given").write_text("content")
    program = (
        "print(open('/run/data/given').read(), 'ubdb' in open('/proc/swaps').read(),"
        " 'memory' in open('/sys/fs/cgroup/cgroup.subtree_control').read())"
    )
    lines: list[str] = []
    with_disks = machine(kernel, program, disk_bytes=16 << 20, disk_content=str(content), swap_bytes=16 << 20)
    uml.boot(with_disks, lines.append)
    assert lines == ["content True True"]


def test_a_guest_that_hangs_is_ended_and_leaves_nothing(kernel: Kernel) -> None:
    began = time.monotonic()
    with pytest.raises(TimeLimitError, match="not done within 4 s"):
        uml.boot(machine(kernel, "import time; time.sleep(600)", time_limit_seconds=4.0))
    assert time.monotonic() - began < 100
    assert leftovers() == []


def test_a_caller_that_fails_ends_the_guest(kernel: Kernel) -> None:
    def refuse(line: str) -> None:
        raise ZeroDivisionError(line)

    program = "import time; print('line', flush=True); time.sleep(600)"
    with pytest.raises(ZeroDivisionError):
        uml.boot(machine(kernel, program, time_limit_seconds=200.0), refuse)
    assert leftovers() == []


def test_a_kernel_that_cannot_start_is_told_by_its_own_words(kernel: Kernel) -> None:
    too_small = machine(kernel, "pass", memory_bytes=4 << 20, time_limit_seconds=200.0)
    with pytest.raises(BootError, match=r"it said: \w"):
        uml.boot(too_small)
    assert leftovers() == []


def test_on_a_host_that_refuses_its_registers_the_line_that_says_so_is_told(
    kernel: Kernel, tmp_path: Path
) -> None:
    """As on a processor with AMX, were nothing padded there."""
    if not kernel.traces:
        pytest.skip("this kernel sets no registers by ptrace")
    library = tmp_path / "refuse.so"
    source = Path(__file__).with_name("refuse_registers.c")
    children.run([compiler(), "-shared", "-fPIC", "-o", library, source], check=True)
    refused = msgspec.structs.replace(kernel, environment={**kernel.environment, "LD_PRELOAD": str(library)})
    with pytest.raises(BootError, match=r"it said: userspace - ptrace set fp regs failed, errno = 14$"):
        uml.boot(machine(refused, "pass", time_limit_seconds=200.0))
    assert leftovers() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_no_process_behind(
    kernel: Kernel, own_room: Path, number: signal.Signals
) -> None:
    """In a process of its own, since the signal is sent to a group as a terminal does."""
    script = (
        "import sys; from memcollect.lab import kernels, uml;"
        "uml.boot(uml.Machine(kernel=kernels.provide(sys.argv[1]), command=[sys.executable, '-c',"
        " 'import time; print(1, flush=True); time.sleep(600)']), lambda line: print(line, flush=True))"
    )
    version = ".".join(kernel.release.split(".")[:2])
    child = children.Child(
        [sys.executable, "-c", script, version],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with child:
        assert child.line() == "1"
        assert guests(own_room)
        os.killpg(child.pid, number)
        assert child.wait() != 0
    assert leftovers() == []
    assert guests(own_room) == []


def guests(room: Path) -> list[str]:
    """Return the processes that have a file of `room` on their command line, as a kernel has its init."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.startswith(f"init={room}/".encode()) for word in words):
            found.append(process.name)
    return found
