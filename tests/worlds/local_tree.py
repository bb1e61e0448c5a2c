"""A small machine as files: a cgroup v2 tree with one pod and one service, and a /proc with one process."""

from pathlib import Path

POD_UID = "11111111-2222-3333-4444-555555555555"
CONTAINER_ID = "ab" * 32
PID = 4242
MIB = 1 << 20
POD_PATH = (
    "kubepods.slice/kubepods-burstable.slice/"
    f"kubepods-burstable-pod{POD_UID.replace('-', '_')}.slice/cri-containerd-{CONTAINER_ID}.scope"
)
SERVICE_PATH = "system.slice/ssh.service"
STAT = {
    "anon": 40 * MIB,
    "file": 24 * MIB,
    "kernel": 2 * MIB,
    "kernel_stack": 64 << 10,
    "pagetables": 192 << 10,
    "sec_pagetables": 0,
    "percpu": 0,
    "sock": 0,
    "vmalloc": 0,
    "shmem": 8 * MIB,
    "file_mapped": 4 * MIB,
    "inactive_anon": 48 * MIB,
    "active_anon": 0,
    "inactive_file": 10 * MIB,
    "active_file": 6 * MIB,
    "unevictable": 0,
    "slab_reclaimable": MIB,
    "slab_unreclaimable": MIB // 2,
    "slab": MIB + MIB // 2,
}
CURRENT = 66 * MIB
ROLLUP = {
    "Rss": 44 << 10,
    "Pss": 42 << 10,
    "Pss_Anon": 40 << 10,
    "Pss_File": 2 << 10,
    "Pss_Shmem": 0,
    "Private_Dirty": 40 << 10,
    "LazyFree": 0,
    "SwapPss": 0,
}


def make_machine(root: Path, *, with_pod: bool = True, with_service: bool = True) -> list[str]:
    """Write the machine below `root` and return the options that point a snapshot at it."""
    cgroups, proc, sys, logs = (root / name for name in ("cgroup", "proc", "sys", "log"))
    for directory in (cgroups, proc, sys, logs):
        directory.mkdir(parents=True)
    _write(cgroups / "cgroup.controllers", "cpu memory pids\n")
    if with_pod:
        _cgroup(cgroups / POD_PATH, [PID])
        _cgroup((cgroups / POD_PATH).parent, [])
    if with_service:
        _cgroup(cgroups / SERVICE_PATH, [PID] if not with_pod else [])
    _process(proc / str(PID))
    _write(proc / "stat", "cpu 0\nbtime 1700000000\n")
    _write(proc / "meminfo", "MemTotal: 8000000 kB\nMemAvailable: 5000000 kB\n")
    _write(sys / "devices/system/cpu/online", "0-1\n")
    _write(logs / "pods" / f"deer-flow_sandbox-1_{POD_UID}" / "keep", "")
    _write(logs / "containers" / f"sandbox-1_deer-flow_aio-{CONTAINER_ID}.log", "")
    roots = (("cgroup", cgroups), ("proc", proc), ("sys", sys), ("log", logs))
    return ["snapshot", "--local", *(word for name, path in roots for word in (f"--{name}-root", str(path)))]


def _cgroup(path: Path, pids: list[int]) -> None:
    _write(path / "memory.stat", "".join(f"{key} {value}\n" for key, value in STAT.items()))
    _write(path / "memory.current", f"{CURRENT}\n")
    _write(path / "memory.max", "max\n")
    _write(path / "cgroup.procs", "".join(f"{pid}\n" for pid in pids))


def _process(path: Path) -> None:
    _write(path / "smaps_rollup", "0-1 ---p 0 00:00 0 [rollup]\n" + "".join(_kb(ROLLUP)))
    zeros = " ".join(["0"] * 29)
    _write(
        path / "stat",
        f"{PID} (python3) S 1 {PID} {PID} 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0 11264 {zeros}\n",
    )
    _write(path / "status", "Name:\tpython3\nVmRSS:\t   45056 kB\nVmPTE:\t 128 kB\nThreads:\t1\n")
    _write(path / "comm", "python3\n")
    _write(path / "cmdline", "python3\0-c\0import numpy\0")


def _kb(values: dict[str, int]) -> list[str]:
    return [f"{key}: {value} kB\n" for key, value in values.items()]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
