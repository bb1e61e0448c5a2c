"""What the host tells process 1 of the guest, as JSON in a file both can see."""

from msgspec import Struct


class Mount(Struct, frozen=True):
    """One file system to mount, in order."""

    source: str
    target: str
    kind: str
    options: str = ""
    flags: int = 0
    """The MS_ flags of mount(2), as memcollect.lab.syscalls names them."""


class GuestConfig(Struct, frozen=True, kw_only=True):
    """The guest's one piece of work, and where its outcome goes."""

    command: list[str]
    environment: dict[str, str]
    mounts: list[Mount]
    modules: list[str] = []
    swap_device: str | None = None
    hostname: str = "memcollect-lab"
    exit_code_file: str
    """Written last: its absence tells the host that the guest did not end by itself."""


STANDARD_MOUNTS = [
    Mount("proc", "/proc", "proc"),
    Mount("tmpfs", "/run", "tmpfs", "mode=755"),
    Mount("shm", "/dev/shm", "tmpfs"),  # noqa: S108 -- the guest's own
    Mount("sysfs", "/sys", "sysfs"),
    Mount("cgroup2", "/sys/fs/cgroup", "cgroup2"),
    Mount("tmpfs", "/var/log", "tmpfs", "mode=755"),
]
"""Besides devtmpfs, which this kernel mounts itself. /var/log is a tmpfs so that pods' logs touch no host."""

OUTPUT_DEVICES = ("/dev/ttyS0", "/dev/ttyS1")
"""Serial lines that carry the command's stdout and stderr; the console is left to the kernel."""
