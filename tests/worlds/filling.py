"""The program on a disk that fills up: python -m worlds.filling NUMBER ARGUMENT…

From its call number NUMBER of `os.fsync` on there is no room: all of them fail as on a full disk.
"""

import errno
import os
import sys
from typing import Any

from memcollect.commands.run import run


def main() -> None:
    """Run memcollect with the remaining arguments."""
    number, real, calls = int(sys.argv[1]), os.fsync, 0

    def fsync(descriptor: Any) -> None:
        nonlocal calls
        calls += 1
        if calls >= number:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    setattr(os, "fsync", fsync)  # noqa: B010 -- of a parameter with another name
    sys.exit(run(sys.argv[2:], "memcollect"))


if __name__ == "__main__":
    main()
