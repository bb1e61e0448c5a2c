"""The program, killed by itself at one moment: python -m worlds.dying CALL NUMBER ARGUMENT…

At the call number NUMBER of `os.CALL` it is as if `kill -9` had been typed, before anything is done.
"""

import os
import signal
import sys
from typing import Any

from memcollect.commands.run import run


def main() -> None:
    """Run memcollect with the remaining arguments, as far as it gets."""
    name, number = sys.argv[1], int(sys.argv[2])
    real, calls = getattr(os, name), 0

    def called(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)

    setattr(os, name, called)
    sys.exit(run(sys.argv[3:], "memcollect"))


if __name__ == "__main__":
    main()
