"""A machine on paper: a proc and a cgroup tree in the kernel's own format, to be sampled."""

from pathlib import Path

from memcollect_agent.measure.sample import Roots

FIXTURES = Path(__file__).parents[1] / "fixtures"
MIB = 1 << 20


def recorded(condition: str) -> Roots:
    """Return the roots of a recorded node, by its condition."""
    base = FIXTURES / condition
    return Roots(proc=str(base / "proc"), cgroup=str(base / "sys/fs/cgroup"), sys=str(base / "sys"))


def smaps(pss_kib: int, *, anon_kib: int | None = None) -> str:
    """Return a smaps_rollup, RSS as large as PSS."""
    anon = pss_kib if anon_kib is None else anon_kib
    fields = {"Rss": pss_kib, "Pss": pss_kib, "Pss_Anon": anon, "Pss_File": pss_kib - anon, "Pss_Shmem": 0}
    fields |= {"LazyFree": 0, "AnonHugePages": 0, "Shared_Hugetlb": 0, "Private_Hugetlb": 0}
    fields |= {"Swap": 4, "SwapPss": 4, "Locked": 0}
    head = "00400000-7ffe00000000 ---p 00000000 00:00 0                              [rollup]\n"
    return head + "".join(f"{key + ':':<15}{value:>9} kB\n" for key, value in fields.items())


def pid_stat(  # noqa: PLR0913 - a line of fifty fields, of which these matter
    pid: int,
    comm: str = "app",
    *,
    state: str = "S",
    ppid: int = 1,
    flags: int = 0,
    threads: int = 1,
    start: int = 100,
    rss_pages: int = 1024,
) -> str:
    """Return a /proc/PID/stat."""
    return (
        f"{pid} ({comm}) {state} {ppid} 1 1 0 -1 {flags} 0 0 0 0 0 0 0 0 20 0 {threads} 0 {start} 983040 "
        f"{rss_pages} 18446744073709551615" + " 0" * 26 + "\n"
    )


class Machine:
    """A tree below `base`: give it cgroups and processes, then sample `roots`."""

    def __init__(self, base: Path) -> None:
        self.base = base
        (base / "proc").mkdir()
        (base / "sys").mkdir()
        self.top = base / "cgroup"
        self.top.mkdir()
        (self.top / "cgroup.controllers").write_text("cpu memory pids\n")
        (self.top / "cgroup.procs").write_text("")

    @property
    def roots(self) -> Roots:
        """Where the trees are."""
        return Roots(proc=str(self.base / "proc"), cgroup=str(self.top), sys=str(self.base / "sys"))

    def cgroup(self, path: str, pids: tuple[int, ...] = (), *, current: int = MIB, **stat: int) -> Path:
        """Make a cgroup with the memory files every v2 kernel has, and its parents with empty lists."""
        directory = self.top / path.strip("/")
        directory.mkdir(parents=True, exist_ok=True)
        for parent in directory.parents:
            if parent == self.top:
                break
            (parent / "cgroup.procs").touch()
        numbers = {"anon": current, "file": 0, "pagetables": 4096, "inactive_file": 0} | stat
        files = {
            "memory.stat": "".join(f"{key} {value}\n" for key, value in numbers.items()),
            "memory.current": f"{current}\n",
            "memory.max": "max\n",
            "memory.events": "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n",
            "cgroup.procs": "".join(f"{pid}\n" for pid in pids),
            "cgroup.controllers": "memory\n",
        }
        for name, text in files.items():
            (directory / name).write_text(text)
        return directory

    def process(self, pid: int, stat: str | None = None, rollup: str | None = None) -> Path:
        """Make a process of 4 MiB, or as told."""
        directory = self.base / "proc" / str(pid)
        directory.mkdir()
        (directory / "stat").write_text(stat or pid_stat(pid))
        (directory / "smaps_rollup").write_text(smaps(4096) if rollup is None else rollup)
        (directory / "status").write_text(
            f"Name:\tapp\nState:\tS (sleeping)\nPid:\t{pid}\nVmPTE:\t      28 kB\n"
        )
        (directory / "cmdline").write_bytes(b"/bin/app\0--serve\0")
        (directory / "cgroup").write_text("0::/system.slice/containerd.service\n")
        return directory
