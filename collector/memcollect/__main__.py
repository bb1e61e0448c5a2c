"""The program `memcollect` (and `kubectl memcollect`): one main that turns every ending into an exit code."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

COLLECTOR_NEEDS = ("msgspec", "click", "rich", "psutil")
"""What the extra `collector` brings; without it there is no command line at all."""
EXIT_FAILED = 1
EXIT_INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code; nothing a user can cause ends in a traceback."""
    try:
        missing = [name for name in COLLECTOR_NEEDS if importlib.util.find_spec(name) is None]
        if missing:
            sys.stderr.write(
                f"memcollect: {', '.join(missing)} not installed: this is the agent's half only. "
                "Run: pip install 'memcollect[collector]'\n"
            )
            return EXIT_FAILED
        from memcollect.commands.run import run  # noqa: PLC0415 (it needs what was looked for above)

        return run(sys.argv[1:] if arguments is None else arguments, _program_name())
    except KeyboardInterrupt:
        sys.stderr.write("memcollect: interrupted.\n")
        return EXIT_INTERRUPTED


def _program_name() -> str:
    return "kubectl memcollect" if Path(sys.argv[0]).name.startswith("kubectl-") else "memcollect"


if __name__ == "__main__":
    sys.exit(main())
