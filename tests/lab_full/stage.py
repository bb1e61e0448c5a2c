"""A stage on a kernel that can be set: what a workload sets is set back when the stage is cleared."""

from contextlib import suppress
from pathlib import Path

from lab.stage import RUN, Stage, unmount
from lab_full.passes import Pass
from memcollect.lab import syscalls
from memcollect.lab.layout import PlacedPod

CGROUPS = Path("/sys/fs/cgroup")
XFS = Path("/run/xfs")
SMALL = Path("/run/small")
"""ext4 with blocks of 1 KiB."""
_LEAST_PROGRESS_BYTES = 64 << 10
_MOST_TRIES = 40


class FullStage(Stage):
    """A stage that knows how the kernel is set and may set more of it."""

    def __init__(self, program: str, setting: Pass) -> None:
        super().__init__(program)
        self.setting = setting

    def set(self, file: str, value: str) -> None:
        """Write a setting of the kernel, which is set back."""
        path = Path(file)
        before = path.read_text().strip()
        path.write_text(value)
        self.after(lambda: path.write_text(before))

    def mounted(self, kind: str, name: str, options: str = "") -> Path:
        """Mount a file system of `kind` and return where."""
        directory = RUN / name
        syscalls.mount(kind, str(directory), kind, options)
        self.after(directory.rmdir)
        self.after(lambda: unmount(directory))
        return directory

    def hand_down(self, pod: PlacedPod, controller: str) -> None:
        """Give the pod's containers a further controller."""
        above = [each for each in pod.cgroup.parents if each.is_relative_to(CGROUPS)]
        for level in [*reversed(above), pod.cgroup]:
            (level / "cgroup.subtree_control").write_text(f"+{controller}")

    def clear(self) -> None:
        """End and remove everything, and set back what was set."""
        super().clear()
        for directory in (XFS, SMALL):
            for entry in directory.iterdir():
                if entry.is_file():
                    entry.unlink()


def take_back(pod: PlacedPod) -> int:
    """Ask the kernel for all it can take from the app containers without swap; return the bytes it took."""
    places = [place for name, place in pod.containers.items() if name != "pause" and place.exists()]
    return sum(map(_take_back, places))


def _take_back(cgroup: Path) -> int:
    """Return the bytes it took. The write ends with EAGAIN when those are fewer than it was asked for."""
    (cgroup / "memory.swap.max").write_text("0")
    before = now = _charge(cgroup)
    for _ in range(_MOST_TRIES):
        with suppress(BlockingIOError):
            (cgroup / "memory.reclaim").write_text(str(now))
        last, now = now, _charge(cgroup)
        if last - now < _LEAST_PROGRESS_BYTES:
            break
    return before - now


def _charge(cgroup: Path) -> int:
    return int((cgroup / "memory.current").read_text())
