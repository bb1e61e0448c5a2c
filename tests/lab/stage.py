"""Where a workload plays: its pods and processes in the guest's cgroups, gone without a trace afterwards."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from lab.truth import Truth
from memcollect.lab import syscalls
from memcollect.lab.layout import ContainerSpec, Driver, Layout, PlacedPod, PodSpec, QosClass
from memcollect.lab.processes import Tenant, start_pause
from memcollect_agent.history import Recorder, Settings
from memcollect_agent.wire import History, HistoryRequest

MIB = 1 << 20
DISK = Path("/run/data")
"""The ext4 disk: page cache of the host's own file system is dropped when a file is closed."""
SHM = Path("/dev/shm")
RUN = Path("/run")
FLUSH_SECONDS = 2.2
"""memory.stat is flushed every 2 s (mm/memcontrol.c, FLUSH_TIME): longer than that, nothing is stale."""


_UNMOUNT_TRIES = 100
_LEAST_PROGRESS_BYTES = 64 << 10
_RECLAIM_TRIES = 40


class Stage:
    """Makes pods, starts the truthful program in their containers, and takes everything down again."""

    def __init__(self, program: str, root: Path = Path("/sys/fs/cgroup")) -> None:
        # A copy that no pod pays for: the program's own pages are charged to the root cgroup. A new file, for
        # a process of the stage before that is still ending keeps the old one busy.
        (RUN / "workload").unlink(missing_ok=True)
        self.program = str(shutil.copy(program, RUN / "workload"))
        self._layout = Layout(root, Path("/var/log"))
        self._root = root
        self._recorder: Recorder | None = None
        self._pods: list[PlacedPod] = []
        self._tenants: list[Tenant] = []
        self._pauses: list[subprocess.Popen[bytes]] = []
        self._after = ExitStack()

    def after(self, undo: Callable[[], object]) -> None:
        """Have `undo` called when the stage is cleared and its processes have ended."""
        self._after.callback(undo)

    @property
    def pods(self) -> list[PlacedPod]:
        """The pods that stand now."""
        return self._pods

    def pod(  # noqa: PLR0913 - a pod is this many facts, all with a default
        self,
        name: str,
        *containers: str,
        qos_class: QosClass = "Burstable",
        driver: Driver = "systemd",
        limits: dict[str, int | str] | None = None,
        pod_limits: dict[str, int | str] | None = None,
        pause: bool = True,
    ) -> PlacedPod:
        """Place a pod whose containers (default: one, "app") have `limits`; its pause container runs."""
        specs = [ContainerSpec(name=each, limits=limits or {}) for each in containers or ("app",)]
        pod = self._layout.place(
            PodSpec(
                name=name,
                namespace="lab",
                qos_class=qos_class,
                driver=driver,
                containers=specs,
                limits=pod_limits or {},
            )
        )
        self._pods.append(pod)
        if pause:
            self._pauses.append(start_pause(pod.containers["pause"], RUN))
        return pod

    def tenant(self, pod: PlacedPod, words: str = "", container: str = "app", below: str = "") -> Tenant:
        """Start the program in a container (or in a cgroup below it) and wait until it did as told."""
        cgroup = pod.containers[container]
        if below:
            (cgroup / below).mkdir()
            cgroup /= below
        tenant = self.command(cgroup, [self.program, *words.split()])
        tenant.wait_ready()
        return tenant

    def command(self, cgroup: Path | None, command: list[str], executable: str | None = None) -> Tenant:
        """Start any other program that speaks as a Tenant does."""
        tenant = Tenant(cgroup, command, executable)
        self._tenants.append(tenant)
        return tenant

    def file(self, name: str, size: int, directory: Path = DISK) -> Path:
        """Write a file whose cache belongs to nobody's pod, and drop that cache."""
        path = directory / name
        path.write_bytes(b"x" * size)
        drop_caches()
        return path

    def remember(self) -> None:
        """Let an agent's history look at all pods, now that no counter is stale."""
        time.sleep(FLUSH_SECONDS)
        if self._recorder is None:
            self._recorder = Recorder(str(self._root), Settings(proc_root="/proc"))
        self._recorder.tick()

    def remembered(self) -> History | None:
        """Return what that history knows; None where nobody looked."""
        return self._recorder.history(HistoryRequest()) if self._recorder is not None else None

    def clear(self) -> None:
        """End and remove everything, and drop what the kernel still caches of it."""
        for tenant in self._tenants:
            tenant.end()
        for pause in self._pauses:
            pause.kill()
            pause.wait()
        for pod in self._pods:
            self._layout.remove(pod)
        self._tenants, self._pauses, self._pods = [], [], []
        self._after.close()
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None
        for directory in (DISK, SHM):
            for entry in directory.iterdir():
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        drop_caches()


def truth(
    pod: PlacedPod, cause: str, size: int | None = None, scope: str = "app", *, says: str = ""
) -> Truth:
    """Return what must be said of `pod`."""
    return Truth(cause=cause, pod=pod.spec.name, scope=scope, size=size, says=says)


def unmount(directory: Path) -> None:
    """Unmount what nobody uses any more, as soon as the last process is gone."""
    for _ in range(_UNMOUNT_TRIES):
        with suppress(OSError):
            syscalls.unmount(str(directory))
            return
        time.sleep(0.1)


def take_back(pod: PlacedPod) -> int:
    """Ask the kernel for all it can take from the app containers without swap; return the bytes it took.

    It can be asked since commit 94968384dde1 (5.19).
    """
    places = [place for name, place in pod.containers.items() if name != "pause" and place.exists()]
    return sum(map(_take_back, places))


def _take_back(cgroup: Path) -> int:
    """Return the bytes it took. The write ends with EAGAIN when those are fewer than it was asked for."""
    (cgroup / "memory.swap.max").write_text("0")
    before = now = _charge(cgroup)
    for _ in range(_RECLAIM_TRIES):
        with suppress(BlockingIOError):
            (cgroup / "memory.reclaim").write_text(str(now))
        last, now = now, _charge(cgroup)
        if last - now < _LEAST_PROGRESS_BYTES:
            break
    return before - now


def _charge(cgroup: Path) -> int:
    return int((cgroup / "memory.current").read_text())


def drop_caches() -> None:
    """Write back and drop page cache, dentries and inodes, so that no charge is inherited."""
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3")


def bundle(
    directory: Path,
    root: Path,
    command: list[str],
    cgroup: str,
    mounts: Sequence[dict[str, object]] = (),
) -> Path:
    """Write the configuration of an OCI runtime for one container and return its directory."""
    namespaces = [{"type": kind} for kind in ("pid", "mount", "ipc", "uts")]
    config = {
        "ociVersion": "1.0.2",
        "process": {"terminal": False, "user": {"uid": 0, "gid": 0}, "args": command, "cwd": "/"},
        "root": {"path": str(root), "readonly": False},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}, *mounts],
        "linux": {
            "cgroupsPath": cgroup,
            "namespaces": namespaces,
            "resources": {"memory": {"limit": 256 * MIB}},
        },
    }
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps(config))
    return directory
