import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from memcollect_agent.errors import GoneError, ReadError, UnsafeFileError
from memcollect_agent.read.procfs import ProcFs, SysFs
from worlds import children
from worlds.agent_trees import Machine

# The buffer is touched page by page, then the process says it is ready and sleeps.
HOLD = """
import sys, time
block = bytearray(24 << 20)
block[::4096] = b"x" * len(block[::4096])
print("ready", flush=True)
time.sleep(60)
"""
# The first thread ends by itself; the second keeps the process and its memory.
HEADLESS = """
import ctypes, threading, time
block = bytearray(8 << 20)
block[::4096] = b"x" * len(block[::4096])
def stay():
    time.sleep(0.1)
    print("ready", flush=True)
    time.sleep(60)
threading.Thread(target=stay).start()
ctypes.CDLL(None).syscall(60, 0)  # exit, of this thread alone, by its number on x86_64
"""


def _started(program: str) -> Iterator[children.Child]:
    with children.Child([sys.executable, "-c", program], stdout=subprocess.PIPE) as child:
        assert child.line() == "ready"
        yield child


@pytest.fixture
def sleeper() -> Iterator[children.Child]:
    yield from _started(HOLD)


def test_the_sums_agree_with_psutil(sleeper: children.Child) -> None:
    """Two routes to one number: psutil adds up /proc/PID/smaps, the kernel adds up smaps_rollup."""
    other = psutil.Process(sleeper.pid).memory_full_info()
    with ProcFs() as proc, proc.process(sleeper.pid) as process:
        ours = process.smaps_rollup()
    private = ours["Private_Clean"] + ours["Private_Dirty"] + ours["Private_Hugetlb"]
    # Libraries are shared with the test's own process, whose start and end of others move PSS a little.
    assert ours["Pss"] == pytest.approx(other.pss, abs=512 << 10)
    assert private == pytest.approx(other.uss, abs=512 << 10)
    assert ours["Swap"] == pytest.approx(other.swap, abs=512 << 10)
    assert ours["Rss"] == pytest.approx(other.rss, abs=512 << 10)
    assert ours["Pss_Anon"] >= 24 << 20


def test_identity_and_texts_agree_with_psutil(sleeper: children.Child) -> None:
    other = psutil.Process(sleeper.pid)
    with ProcFs() as proc, proc.process(sleeper.pid) as process:
        stat = process.stat()
        started = proc.boot_time() + stat.start_ticks / os.sysconf("SC_CLK_TCK")
        assert started == pytest.approx(other.create_time(), abs=1.5)
        assert (stat.ppid, stat.threads) == (os.getpid(), other.num_threads())
        assert process.cmdline() == other.cmdline()
        assert process.exe() == other.exe()
        assert process.comm() == other.name()[:15] == stat.comm
        assert process.status().sizes["VmPTE"] > 0
        assert process.threads() == [sleeper.pid]


def test_open_files_are_counted_as_psutil_does(sleeper: children.Child) -> None:
    with ProcFs() as proc, proc.process(sleeper.pid) as process:
        assert process.descriptors(1000) == psutil.Process(sleeper.pid).num_fds() > 0


def test_where_no_size_tells_how_many_files_are_open_their_names_are_counted_up_to_a_bound() -> None:
    opened = [os.open("/dev/null", os.O_RDONLY) for _ in range(5)]
    try:
        with ProcFs() as proc, proc.process(os.getpid()) as process:
            # The directory that is listed is open, too.
            assert process._listed_descriptors(1 << 16) == psutil.Process().num_fds() + 1
            assert process._listed_descriptors(5) is None
    finally:
        for fd in opened:
            os.close(fd)


def test_processes_are_enumerated_as_psutil_does(sleeper: children.Child) -> None:
    with ProcFs() as proc:
        ours = set(proc.pids())
    assert sleeper.pid in ours
    # A process that starts or ends between the two listings is in one of them only.
    assert {os.getpid(), os.getppid(), 1} & set(psutil.pids()) <= ours


def test_an_open_process_stays_itself_after_its_death(sleeper: children.Child) -> None:
    with ProcFs() as proc, proc.process(sleeper.pid) as process:
        assert process.smaps_rollup()["Rss"] > 0
        sleeper.kill()
        sleeper.wait()
        for read in (process.stat, process.smaps_rollup, process.status, process.cmdline, process.exe):
            with pytest.raises(GoneError):
                read()


def test_a_number_given_to_another_process_does_not_fool_an_open_one() -> None:
    last_pid = Path("/proc/sys/kernel/ns_last_pid")
    if not os.access(last_pid, os.W_OK):
        pytest.skip("only root may choose the next pid")
    with ProcFs() as proc:
        for _ in range(20):
            with children.Child(["sleep", "60"]) as first:
                process = proc.process(first.pid)
                first.kill()
            with process:
                last_pid.write_text(str(first.pid - 1))
                with children.Child(["sleep", "60"]) as second:
                    try:
                        if second.pid != first.pid:
                            continue
                        with pytest.raises(GoneError):
                            process.stat()
                        with proc.process(second.pid) as renewed:
                            assert renewed.stat().pid == second.pid
                        return
                    finally:
                        second.kill()
    pytest.skip("another process took the number every time")


def test_a_zombie_has_an_identity_and_no_memory() -> None:
    with children.Child(["true"]) as child, ProcFs() as proc, proc.process(child.pid) as process:
        deadline = time.monotonic() + 10
        while not process.stat().is_zombie and time.monotonic() < deadline:
            time.sleep(0.01)
        assert process.stat().is_zombie
        with pytest.raises(GoneError):
            process.smaps_rollup()
        with pytest.raises(GoneError):
            process.smaps_rollup_of_a_thread()
        assert process.cmdline() == []


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the program calls exit by its x86_64 number")
def test_memory_of_a_process_without_its_first_thread_is_found() -> None:
    for child in _started(HEADLESS):
        with ProcFs() as proc, proc.process(child.pid) as process:
            assert process.stat().is_zombie
            assert process.stat().threads == 2
            with pytest.raises(GoneError):
                process.smaps_rollup()
            assert process.smaps_rollup_of_a_thread()["Pss_Anon"] >= 8 << 20
        child.send_signal(signal.SIGKILL)


def test_there_is_no_process_of_an_impossible_number() -> None:
    with ProcFs() as proc, pytest.raises(GoneError):
        proc.process(1 << 23)


def test_node_facts_of_this_machine_agree_with_other_routes() -> None:
    with ProcFs() as proc, SysFs() as sys_fs:
        assert proc.meminfo()["MemTotal"] == psutil.virtual_memory().total
        assert proc.boot_time() == pytest.approx(psutil.boot_time(), abs=2)
        assert proc.kernel_release() == os.uname().release
        assert proc.hostname() == os.uname().nodename
        assert proc.architecture() == os.uname().machine
        assert proc.swap_devices() == Path("/proc/swaps").read_text().count("\n") - 1
        assert any(mount.file_system == "proc" for mount in proc.mounts())
        assert "oom_kill" in proc.vmstat()
        assert len(proc.boot_id()) == 36
        assert sys_fs.online_cpus() == os.sysconf("SC_NPROCESSORS_ONLN")


def test_before_linux_6_1_the_architecture_is_what_uname_says_of_this_machine_alone(tmp_path: Path) -> None:
    with ProcFs(str(tmp_path)) as proc:
        with pytest.raises(GoneError):
            proc.architecture()  # of another machine's files
        (tmp_path / "self").symlink_to(str(os.getpid()))
        assert proc.architecture() == os.uname().machine


@pytest.mark.parametrize("name", ["stat", "smaps_rollup", "status", "cmdline"])
@pytest.mark.parametrize(
    "make", [lambda path: path.symlink_to("/etc/hostname"), os.mkfifo], ids=["link", "fifo"]
)
def test_a_hostile_tree_leads_nowhere(tmp_path: Path, name: str, make: object) -> None:
    machine = Machine(tmp_path)
    directory = machine.process(7)
    (directory / name).unlink()
    assert callable(make)
    make(directory / name)
    with ProcFs(machine.roots.proc) as proc, proc.process(7) as process, pytest.raises(UnsafeFileError):
        getattr(process, name)()


def test_a_process_that_is_a_link_is_refused(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    (tmp_path / "proc" / "7").symlink_to("/proc/1")
    with ProcFs(machine.roots.proc) as proc, pytest.raises(UnsafeFileError):
        proc.process(7)


def test_a_root_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="No such file"):
        ProcFs(str(tmp_path / "nowhere"))
