"""A made-up cgroup v2 tree of pods that a test may change while it is read.

Its files have the kernel's form (memory.stat has the lines of Linux 6.12, in their order); its numbers
say only what the test wrote.
"""

import shutil
from pathlib import Path

_STAT_LINES = (
    "anon file kernel kernel_stack pagetables sec_pagetables percpu sock vmalloc shmem zswap zswapped "
    "file_mapped file_dirty file_writeback swapcached anon_thp file_thp shmem_thp inactive_anon active_anon "
    "inactive_file active_file unevictable slab_reclaimable slab_unreclaimable slab "
    "workingset_refault_anon workingset_refault_file workingset_activate_anon workingset_activate_file "
    "workingset_restore_anon workingset_restore_file workingset_nodereclaim pswpin pswpout pgscan pgsteal "
    "pgscan_kswapd pgscan_direct pgscan_khugepaged pgscan_proactive pgsteal_kswapd pgsteal_direct "
    "pgsteal_khugepaged pgsteal_proactive pgfault pgmajfault pgrefill pgactivate pgdeactivate pglazyfree "
    "pglazyfreed swpin_zero swpout_zero zswpin zswpout zswpwb thp_fault_alloc thp_collapse_alloc thp_swpout "
    "thp_swpout_fallback numa_pages_migrated numa_pte_updates numa_hint_faults pgdemote_kswapd "
    "pgdemote_direct pgdemote_khugepaged pgpromote_success"
)
STAT_LINES = _STAT_LINES.split()


def uid(number: int) -> str:
    """Return the UID of the pod of that number."""
    return f"00000000-0000-4000-8000-{number:012d}"


def container_id(number: int) -> str:
    """Return a container's id."""
    return f"{number:064x}"


class PodTree:
    """A tree below `base`: proc, sys and a cgroup mount with Burstable pods of the cgroupfs driver."""

    def __init__(self, base: Path) -> None:
        self.proc = base / "proc"
        self.sys = base / "sys"
        self.cgroup = base / "sys" / "fs" / "cgroup"
        self.burstable = self.cgroup / "kubepods" / "burstable"
        self.proc.mkdir(parents=True)
        self.burstable.mkdir(parents=True)
        (self.cgroup / "cgroup.controllers").write_text("cpu memory pids\n")

    def pod(self, number: int) -> Path:
        """Return the directory of a pod, there or not."""
        return self.burstable / f"pod{uid(number)}"

    def add_pod(self, number: int, *containers: int, current: int = 4096, **stat: int) -> Path:
        """Make a pod with those containers, all with the same numbers; return its directory."""
        directory = self.pod(number)
        self.write(directory, current, **stat)
        for container in containers:
            self.write(directory / container_id(container), current, **stat)
        return directory

    @staticmethod
    def write(directory: Path, current: int, **stat: int) -> Path:
        """Make a cgroup, or write new numbers into it; fields not named are 0."""
        directory.mkdir(exist_ok=True)
        lines = [f"{name} {stat.get(name, 0)}\n" for name in STAT_LINES]
        (directory / "memory.stat").write_text("".join(lines))
        (directory / "memory.current").write_text(f"{current}\n")
        (directory / "cgroup.procs").write_text("")
        return directory

    @staticmethod
    def remove(directory: Path) -> None:
        """Remove a cgroup, as rmdir does."""
        shutil.rmtree(directory)

    @staticmethod
    def remove_files(directory: Path) -> None:
        """Empty a cgroup whose directory is still held open, as the kernel does when it is removed."""
        for path in directory.iterdir():
            path.unlink()
