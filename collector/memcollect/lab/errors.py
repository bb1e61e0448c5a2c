"""Every error the lab raises on purpose, each one sentence that says what to do.

LabError
├── MachineError       the processor, or what this machine allows, is not what the lab's kernels need
├── MissingToolError   a program the lab needs is not installed
├── NoSpaceError       no directory is large enough, or none may hold programs
├── BootError          the kernel ended before its work was done
└── TimeLimitError     the work was not done in time
"""

from memcollect.errors import CollectorError


class LabError(CollectorError):
    """The root of the tree; the collector's commands show it as they show their own."""


class MachineError(LabError):
    """The lab's kernels cannot run on this machine as it is."""


class MissingToolError(LabError):
    """`program` is not on this machine; `package` is Debian's name for what holds it."""

    def __init__(self, program: str, package: str) -> None:
        super().__init__(f"{program} is not installed.", f"On Debian: apt-get install {package}")
        self.program = program
        self.package = package


class NoSpaceError(LabError):
    """Nowhere to put the guest's memory or its files."""


class BootError(LabError):
    """The kernel did not start or ended early."""


class TimeLimitError(LabError):
    """The guest was ended because its time was over."""
