"""A backend of sandboxes on this machine: real processes, real files, and the faults that it is told to have.

A sandbox is a directory with DeerFlow's paths below it and a process that serves the AIO interface; user data
are directories by user and thread, as DeerFlow keeps them. Its witness reads /proc of this machine.
"""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from memcollect.evidence.port import Facts, OperationError, Owner
from memcollect.testing.sandboxes import aio
from memcollect.testing.sandboxes import gateway as gateway_faults
from memcollect.testing.sandboxes.gateway import Gateway
from memcollect.trying.boxes import Ledger
from memcollect.trying.drivers.aio import AioBox
from memcollect.trying.gateway import HttpGateway
from memcollect.trying.http import UrlSender
from memcollect.trying.performing import Performer
from memcollect.trying.settings import Settings
from worlds.children import Child

PROVIDER_FAULTS = {
    "shared-threads": "user data are by thread alone",
    "left-pods": "a deleted sandbox stays",
    "lost-data": "user data go with the sandbox",
    "writable-skills": "the skills can be written",
    "no-idle": "a released sandbox is never ended",
    "handed-on": "a released sandbox is handed on to the next thread as it is",
}
FAULTS = (*aio.FAULTS, *gateway_faults.FAULTS, *PROVIDER_FAULTS)
IDLE_SECONDS = 0.3
SETTINGS = Settings(
    users=("one", "two"),
    idle_seconds=2 * IDLE_SECONDS,
    replicas=3,
    restart=("true",),
    declared=dict.fromkeys(("prerequisites", "networking", "storage", "upgrade"), "nothing"),
)
DIRECTORIES = ("workspace", "uploads", "outputs")
SKILLS = ("public", "custom", "legacy")


@dataclass
class Sandbox:
    owner: Owner
    root: Path
    process: Child
    url: str
    parked_at: float | None = None
    deleted: bool = False
    instance: str = ""


@dataclass
class Backend:
    """Provider and witness in one, since both look at the same processes."""

    directory: Path
    faults: frozenset[str] = frozenset()
    knows_users: bool = True
    releases: bool = True
    deletes: bool = True
    makes: bool = True
    there: dict[str, Sandbox] = field(default_factory=dict)
    capacity: int = 100
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _made: int = 0

    # provider

    def acquire(self, key: str, owner: Owner, seconds: float) -> AioBox:
        del seconds
        with self._lock:
            sandbox = self.there.get(key) or self._handed_on(key)
            if sandbox is None:
                if len(self.there) >= self.capacity:
                    raise OperationError("capacity", "no room for another sandbox")
                sandbox = self.there[key] = self._make(key, owner)
            sandbox.parked_at = None
        return AioBox(UrlSender(sandbox.url), key, str(sandbox.root), str(sandbox.root / "tmp"))

    def release(self, key: str, seconds: float) -> None:
        del seconds
        self.there[key].parked_at = time.monotonic()

    def destroy(self, key: str, seconds: float) -> None:
        del seconds
        sandbox = self.there.get(key)
        if sandbox is None:
            return
        sandbox.deleted = True
        if "left-pods" not in self.faults:
            self._remove(key)

    def identity(self, key: str) -> str:
        return self.there[key].instance

    # witness

    def processes(self, key: str, marker: str, seconds: float) -> Facts:
        del seconds
        own = _descendants(self.there[key].process.pid)
        lines = [_command_line(pid) for pid in own]
        return Facts(values={"marked": sum(marker in line for line in lines)})

    def memory(self, key: str, seconds: float) -> Facts:
        del key, seconds
        return Facts(absent={"limit_bytes": "it has none", "oom_kills": "it has no cgroup"})

    def left(self, keys: Sequence[str], seconds: float) -> Facts:
        del seconds
        pods = [key for key in keys if key in self.there and not self._idle(key)]
        return Facts(
            values={
                "pods": len(pods),
                "services": 0,
                "cgroups": 0,
                "processes": sum(len(_descendants(self.there[key].process.pid)) for key in pods),
                "claims": [],
                "dying_cgroups": 0,
                "pods_charge_bytes": 0,
            }
        )

    def _idle(self, key: str) -> bool:
        """Remove a sandbox that was released long ago; return whether it was."""
        sandbox = self.there[key]
        if "no-idle" in self.faults or sandbox.parked_at is None:
            return False
        if time.monotonic() - sandbox.parked_at < IDLE_SECONDS:
            return False
        self._remove(key)
        return True

    def operations(self, key: str, seconds: float) -> Facts:
        del key, seconds
        facts: dict[str, bool | int | str | list[str]] = {
            "privileged": False,
            "host_namespaces": False,
            "boot_id": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        }
        lists = ("host_paths", "images", "custom_resources", "controllers", "services", "network_policies")
        words = ("runtime_class", "memory_requests", "memory_limits", "service_account")
        return Facts(values={**facts, **{n: [] for n in lists}, **dict.fromkeys(words, "none")})

    def pod_address(self, key: str) -> str:
        del key
        return "192.0.2.1"

    # its parts

    def data(self, owner: Owner) -> Path:
        user = "" if "shared-threads" in self.faults else owner.user
        return self.directory / "data" / user / owner.thread

    def data_of_thread(self, thread: str) -> Path:
        """Return where the gateway keeps a thread's data: those of its first user."""
        return self.data(Owner(thread=thread, user="one"))

    def runs(self, thread: str) -> bool:
        return any(each.owner.thread == thread and each.parked_at is None for each in self.there.values())

    def _handed_on(self, key: str) -> Sandbox | None:
        if "handed-on" not in self.faults:
            return None
        for old, sandbox in self.there.items():
            if sandbox.parked_at is not None:
                self.there[key] = self.there.pop(old)
                return sandbox
        return None

    def _make(self, key: str, owner: Owner) -> Sandbox:
        self._made += 1
        root = self.directory / f"sandbox-{self._made}"
        data = self.data(owner)
        for name in DIRECTORIES:
            (data / name).mkdir(parents=True, exist_ok=True)
        (root / "mnt").mkdir(parents=True)
        (root / "tmp").mkdir()
        (root / "mnt" / "user-data").symlink_to(data)
        for place in (*(f"skills/{name}" for name in SKILLS), "acp-workspace"):
            self._place(root / "mnt" / place)
        faults = [word for fault in self.faults & aio.FAULTS.keys() for word in ("--fault", fault)]
        process = Child(
            [sys.executable, "-I", "-S", aio.__file__, "--home", str(data / "workspace"), *faults],
            stdout=subprocess.PIPE,
        )
        port = int(process.line())
        return Sandbox(owner, root, process, f"http://127.0.0.1:{port}", instance=f"{key}-{self._made}")

    def _place(self, place: Path) -> None:
        """Make a directory that is read-only, for root too: only one of the kernel's own file systems is."""
        place.parent.mkdir(parents=True, exist_ok=True)
        if "writable-skills" in self.faults:
            place.mkdir()
        else:
            place.symlink_to("/sys/kernel")

    def _remove(self, key: str) -> None:
        sandbox = self.there.pop(key)
        for pid in _descendants(sandbox.process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, 9)
        with sandbox.process:
            sandbox.process.communicate()
        shutil.rmtree(sandbox.root)
        if "lost-data" in self.faults:
            shutil.rmtree(self.data(sandbox.owner), ignore_errors=True)

    def close(self) -> None:
        for key in list(self.there):
            self._remove(key)


def _descendants(pid: int) -> list[int]:
    """Return a process and all that came of it, in whatever session; by the parents of /proc."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError):
            parts = entry.read_text().rpartition(")")[2].split()
            children.setdefault(int(parts[1]), []).append(int(entry.parent.name))
    found, todo = [], [pid]
    while todo:
        each = todo.pop()
        found.append(each)
        todo += children.get(each, [])
    return found if Path(f"/proc/{pid}").exists() else []


def _command_line(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    return ""


@contextmanager
def backend(directory: Path, faults: Collection[str] = ()) -> Iterator[tuple[Backend, Performer]]:
    """Give a backend with these faults, and what does the steps of checks in it."""
    made = Backend(directory, frozenset(faults))
    gateway = Gateway(
        made.data_of_thread, made.faults, made.runs, lambda thread: directory / "held-back" / thread
    )
    try:
        with gateway:
            performer = Performer(
                provider=made,
                settings=SETTINGS,
                ledger=Ledger("mc-test"),
                stopped=lambda: False,
                gateway=HttpGateway(UrlSender(gateway.url)),
                witness=made,
                patience_seconds=1.0,
            )
            yield made, performer
    finally:
        made.close()
