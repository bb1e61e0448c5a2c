"""The program `memcollect-agent`: see to what it stands on, then run it.

Exit codes: 0 done; 1 failed, with one sentence on stderr; 2 wrong usage; 130 interrupted.
"""

import importlib.util
import sys

from memcollect_agent.streams import fill_closed_streams

AGENT_NEEDS = ("msgspec", "waitress")
"""What the extra `agent` brings; without it not even the command line can be read."""


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code; nothing a user can cause ends in a traceback."""
    fill_closed_streams()
    missing = [name for name in AGENT_NEEDS if importlib.util.find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"memcollect-agent: {' and '.join(missing)} not installed: this is the bare package. "
            "Run: pip install 'memcollect[agent]'\n"
        )
        return 1
    from memcollect_agent.program import run  # noqa: PLC0415 (it needs what was looked for above)

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
