"""Reading a proc tree, rooted wherever it is mounted: one method per kernel file.

A process is opened once, as the directory /proc/PID, and everything of it is read through that
descriptor. The descriptor pins the process, not the number: when the process has ended, every look-up
through it fails with ENOENT or ESRCH (GoneError), even after the kernel has given the number to
another process. So one opening can never mix two processes (fs/proc/base.c: the directory's inode
holds a reference to the process's struct pid).
"""

import errno
import os
from itertools import islice
from typing import Self

from memcollect_agent.errors import GoneError, UnsupportedError, read_error
from memcollect_agent.parse import (
    chosen,
    cmdline,
    cpu_list,
    meminfo,
    mountinfo,
    mounts,
    pid_cgroup,
    pid_stat,
    proc_stat,
    single_value,
    smaps_rollup,
    status,
    swaps,
    version,
    vmstat,
    zoneinfo,
)
from memcollect_agent.read import files
from memcollect_agent.read.hanging import reading

_RECORD_LIMIT = 8192
_ADDR_NO_RANDOMIZE = 0x0040000  # include/uapi/linux/personality.h
NO_ROLLUP = (
    "this kernel has no smaps_rollup (it is older than 4.14, or was built without CONFIG_PROC_PAGE_MONITOR)"
)
MAPS_LIMIT = 8 << 20
"""Bytes of maps: some 80,000 mappings, more than the kernel allows unless told otherwise."""
COMMAND_LIMIT = 65536
"""Bytes of a command line that are read at most; what is shown of it is much shorter."""


class ProcessDir:
    """One open process. Close it, or use it as a context manager."""

    __slots__ = ("fd", "path", "pid")

    def __init__(self, path: str, pid: int, fd: int) -> None:
        self.path = path
        self.pid = pid
        self.fd = fd

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)

    def stat(self) -> pid_stat.PidStat:
        """/proc/PID/stat: identity, state, threads, resident pages."""
        return pid_stat.parse(self._record("stat"), f"{self.path}/stat")

    def smaps_rollup(self) -> dict[str, int]:
        """/proc/PID/smaps_rollup in bytes. Walks every page table of the process under its mmap lock.

        Raises DeniedError without ptrace access (same user and capabilities, or SYS_PTRACE), and
        GoneError for a process that has ended, a zombie or a kernel thread: they have no memory map; and
        UnsupportedError where the process lives and this kernel has no such file.
        """
        try:
            data = self._record("smaps_rollup")
        except GoneError as error:
            if self._is_there_without(error):
                raise UnsupportedError(NO_ROLLUP) from error
            raise
        return smaps_rollup.parse(data, f"{self.path}/smaps_rollup")

    def _is_there_without(self, error: GoneError) -> bool:
        """Return whether only the file is missing: a process without a memory map answers ESRCH instead."""
        cause = error.__cause__
        if not isinstance(cause, OSError) or cause.errno != errno.ENOENT:
            return False
        try:
            return not self.stat().is_zombie
        except GoneError:
            return False

    def smaps_rollup_of_a_thread(self) -> dict[str, int]:
        """Read the same through any thread that still runs.

        For a process whose first thread has ended while others go on: its own file says nothing, and
        the memory is there all the same. Raises GoneError when no thread runs.
        """
        for tid in self.threads():
            name = f"task/{tid}/smaps_rollup"
            try:
                return smaps_rollup.parse(self._record(name), f"{self.path}/{name}")
            except GoneError:
                continue
        raise GoneError(f"{self.path}/task", "no thread runs any more")

    def threads(self) -> list[int]:
        """Return the thread ids under /proc/PID/task."""
        fd = files.open_directory("task", self.fd, f"{self.path}/task")
        try:
            with reading(f"{self.path}/task/.", alone=True):
                return sorted(int(name) for name in os.listdir(fd) if name.isdecimal())  # noqa: PTH208 - a descriptor
        except OSError as error:
            raise read_error(f"{self.path}/task", error) from error
        finally:
            os.close(fd)

    def descriptors(self, most: int) -> int | None:
        """Return how many files, sockets and pipes it has open.

        The size of /proc/PID/fd says so since commit f1f1f2569901 (6.2), to whoever may see the process.
        Before it the names are counted, which asks for the right to list them (CAP_DAC_READ_SEARCH for
        another user's process) and makes the kernel keep an inode for each: of more than `most` None is
        returned. Raises GoneError, DeniedError or ReadError.
        """
        path = f"{self.path}/fd"
        try:
            with reading(path, alone=True):
                told = os.stat("fd", dir_fd=self.fd, follow_symlinks=False).st_size
        except OSError as error:
            raise read_error(path, error) from error
        return told or self._listed_descriptors(most)

    def _listed_descriptors(self, most: int) -> int | None:
        path = f"{self.path}/fd"
        fd = files.open_directory("fd", self.fd, path)
        try:
            with reading(f"{path}/.", alone=True), os.scandir(fd) as names:
                count = sum(1 for _ in islice(names, most + 1))
        except OSError as error:
            raise read_error(path, error) from error
        finally:
            os.close(fd)
        return count if count <= most else None

    def status(self) -> status.Status:
        """/proc/PID/status: above all VmPTE, the page tables."""
        return status.parse(self._record("status"), f"{self.path}/status")

    def comm(self) -> str:
        """/proc/PID/comm: the name, at most 15 bytes, of the process's own choice."""
        data = self._record("comm")
        return data.removesuffix(b"\n").decode("utf-8", "backslashreplace")

    def maps(self) -> bytes:
        """/proc/PID/maps: a line for each mapping, none of whose pages is looked at."""
        path = f"{self.path}/maps"
        return files.read_file("maps", self.fd, path, limit=MAPS_LIMIT)

    def mountinfo(self) -> list[mountinfo.MountPoint]:
        """/proc/PID/mountinfo: the mounts that it sees."""
        path = f"{self.path}/mountinfo"
        return mountinfo.parse(files.read_file("mountinfo", self.fd, path), path)

    def cmdline(self) -> list[str]:
        """/proc/PID/cmdline: the arguments, as far as COMMAND_LIMIT bytes. Never send them unmasked."""
        path = f"{self.path}/cmdline"
        return cmdline.parse(files.read_record("cmdline", self.fd, path, COMMAND_LIMIT), path)

    def exe(self) -> str:
        """/proc/PID/exe: where the program lay, seen from the process's own root; " (deleted)" may follow."""
        path = f"{self.path}/exe"
        try:
            with reading(path):
                target = os.fsencode(os.readlink("exe", dir_fd=self.fd))
        except OSError as error:
            raise read_error(path, error) from error
        files.tell(path, target)
        return target.decode("utf-8", "backslashreplace")

    def open_root(self) -> int:
        """Return a descriptor of the root that the process sees, by the kernel's own link. Raises OSError."""
        return os.open("root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self.fd)

    def cgroup(self) -> str:
        """/proc/PID/cgroup: the path of its cgroup on the v2 hierarchy, as the reader's namespace sees it."""
        return pid_cgroup.parse(self._record("cgroup"), f"{self.path}/cgroup")

    def is_randomised(self) -> bool:
        """Whether the process did not ask for a layout that is the same at every exec (ADDR_NO_RANDOMIZE).

        Raises DeniedError without the right to attach to it.
        """
        path = f"{self.path}/personality"
        return not int(files.read_record("personality", self.fd, path, 64), 16) & _ADDR_NO_RANDOMIZE

    def _record(self, name: str) -> bytes:
        return files.read_record(name, self.fd, f"{self.path}/{name}", _RECORD_LIMIT)


class ProcFs:
    """A proc file system mounted at `root`. Close it, or use it as a context manager."""

    def __init__(self, root: str = "/proc") -> None:
        self.root = root.rstrip("/")
        self._fd = files.open_root(root)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def is_own(self) -> bool:
        """Whether its pids are those that this process's system calls mean: no other namespace's, no copy."""
        try:
            return os.readlink("self", dir_fd=self._fd) == str(os.getpid())
        except OSError:
            return False

    def randomises_layouts(self) -> bool:
        """sys/kernel/randomize_va_space: whether exec lays address spaces out at random."""
        name = "sys/kernel/randomize_va_space"
        return single_value.parse_number(self._read(name), f"{self.root}/{name}") > 0

    def process(self, pid: int) -> ProcessDir:
        """Open a process. Raises GoneError where there is none of that number."""
        path = f"{self.root}/{pid}"
        return ProcessDir(path, pid, files.open_directory(str(pid), self._fd, path))

    def pids(self) -> list[int]:
        """Return every pid there is, in order."""
        try:
            with reading(f"{self.root}/.", alone=True):
                return sorted(int(name) for name in os.listdir(self._fd) if name.isdecimal())  # noqa: PTH208 - a descriptor
        except OSError as error:
            raise read_error(self.root, error) from error

    def meminfo(self) -> dict[str, int]:
        """/proc/meminfo in bytes (HugePages_* lines as counts)."""
        return meminfo.parse(self._read("meminfo"), f"{self.root}/meminfo")

    def vmstat(self) -> dict[str, int]:
        """/proc/vmstat: the lines about reclaim, swap and refaults, in pages or counts."""
        return vmstat.parse(self._read("vmstat"), f"{self.root}/vmstat")

    def oom_kills(self) -> int | None:
        """/proc/vmstat, oom_kill: how many there were since boot; None on kernels before 4.13."""
        return vmstat.oom_kills(self._read("vmstat"))

    def boot_id(self) -> str:
        """/proc/sys/kernel/random/boot_id: a new one at each boot."""
        name = "sys/kernel/random/boot_id"
        return single_value.parse_word(self._read(name), f"{self.root}/{name}")

    def boot_time(self) -> int:
        """/proc/stat, btime: seconds since the Unix epoch."""
        return proc_stat.parse_boot_time(self._read("stat"), f"{self.root}/stat")

    def hostname(self) -> str:
        """/proc/sys/kernel/hostname: of the reader's UTS namespace."""
        name = "sys/kernel/hostname"
        return single_value.parse_word(self._read(name), f"{self.root}/{name}")

    def kernel_release(self) -> str:
        """/proc/version: what `uname -r` prints."""
        return version.parse_release(self._read("version"), f"{self.root}/version")

    def architecture(self) -> str:
        """/proc/sys/kernel/arch, since Linux 6.1; before it what uname(2) says of this very machine."""
        name = "sys/kernel/arch"
        try:
            return single_value.parse_word(self._read(name), f"{self.root}/{name}")
        except GoneError:
            if not self.is_own():
                raise
            return os.uname().machine

    def mounts(self) -> list[mounts.Mount]:
        """/proc/mounts: the reader's mounts. The file is a link to self/mounts, and is followed."""
        path = f"{self.root}/mounts"
        return mounts.parse(files.read_file("mounts", self._fd, path, follow=True), path)

    def swap_devices(self) -> int:
        """/proc/swaps: how many there are."""
        return swaps.parse_count(self._read("swaps"), f"{self.root}/swaps")

    def free_percpu_pages(self) -> int:
        """/proc/zoneinfo: free pages on the CPUs' own lists."""
        return zoneinfo.parse_free_percpu(self._read("zoneinfo"), f"{self.root}/zoneinfo")

    def _read(self, name: str) -> bytes:
        return files.read_file(name, self._fd, f"{self.root}/{name}")


class SysFs:
    """What the node report needs of a sysfs mounted at `root`. Close it, or use it as a context manager."""

    def __init__(self, root: str = "/sys") -> None:
        self.root = root.rstrip("/")
        self._fd = files.open_root(root)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def online_cpus(self) -> int:
        """devices/system/cpu/online: how many CPUs run."""
        return cpu_list.parse_count(*self._read("devices/system/cpu/online"))

    def memory_nodes(self) -> int:
        """devices/system/node/has_memory: how many NUMA nodes have memory."""
        return cpu_list.parse_count(*self._read("devices/system/node/has_memory"))

    def transparent_hugepage(self) -> str:
        """kernel/mm/transparent_hugepage/enabled: "always", "madvise" or "never"."""
        return chosen.parse(*self._read("kernel/mm/transparent_hugepage/enabled"))

    def lru_gen(self) -> bool:
        """kernel/mm/lru_gen/enabled: whether MGLRU's main switch (bit 0) is on."""
        return bool(single_value.parse_flags(*self._read("kernel/mm/lru_gen/enabled")) & 1)

    def ksm_run(self) -> int:
        """kernel/mm/ksm/run: 0 stopped, 1 merging, 2 unmerging."""
        return single_value.parse_number(*self._read("kernel/mm/ksm/run"))

    def zswap_enabled(self) -> bool:
        """module/zswap/parameters/enabled."""
        return single_value.parse_flag(*self._read("module/zswap/parameters/enabled"))

    def _read(self, name: str) -> tuple[bytes, str]:
        path = f"{self.root}/{name}"
        return files.read_file(name, self._fd, path), path
