"""A stage on a kernel that can be set: what a workload sets is set back when the stage is cleared."""

from pathlib import Path

from lab.stage import RUN, Stage, unmount
from lab_full.passes import Pass
from memcollect.lab import syscalls
from memcollect.lab.layout import PlacedPod

CGROUPS = Path("/sys/fs/cgroup")
XFS = Path("/run/xfs")
SMALL = Path("/run/small")
"""ext4 with blocks of 1 KiB."""


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
