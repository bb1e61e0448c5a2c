"""What each runtime was asked to run, and what memcollect and the runtime's own tool said of it."""

from msgspec import Struct

from memcollect.documents.snapshot import Snapshot


class Started(Struct, frozen=True, kw_only=True):
    """One container or service."""

    name: str
    """What people know it by."""
    size: int
    """Bytes of private memory of its one process; under gVisor of the guest's."""
    cgroup: str
    """A part of its cgroup's path that no other has."""
    beside: int = 0
    """Bytes of the same kind that others in its cgroup may have, at most."""
    starter: str = ""
    """Of what a pod's process has started outside of the pod: a part of the pod's cgroup's path."""
    tool_bytes: list[int] = []
    """What the runtime's own tool says that it uses, just before the snapshot and just after it."""


class Ran(Struct, frozen=True, kw_only=True):
    """One runtime: what it started, or why it did not."""

    runtime: str
    version: str = ""
    started: Started | None = None
    error: str = ""


class Session(Struct, frozen=True, kw_only=True):
    """Runtimes, one after another, and two snapshots of this machine."""

    kernel: str
    ran: list[Ran]
    services: Snapshot | None
    """While there were services alone; None if none was asked for."""
    containers: Snapshot | None
    """While there were the containers, too; None if none was asked for."""
