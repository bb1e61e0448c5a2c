"""The program `memcollect` (and `kubectl memcollect`): one main that turns every ending into an exit code."""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib.util
import os
import sys
import threading
from pathlib import Path

from memcollect.termination import ending_cleanly
from memcollect_agent.streams import fill_closed_streams

COLLECTOR_NEEDS = ("msgspec", "click", "rich")
"""What the extra `collector` brings; without it there is no command line at all."""
EXIT_FAILED = 1
EXIT_INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code; nothing a user can cause ends in a traceback.

    Without `arguments` this is the program itself: they are the process's, which ends with it.
    """
    if arguments is not None:
        return _main(arguments)
    fill_closed_streams()
    with ending_cleanly():
        code = _main(sys.argv[1:])
    _leave_threads_behind(code)
    # The process ends: to look for garbage among all its modules once more takes a seventh of a second.
    gc.freeze()
    return code


def _main(arguments: list[str]) -> int:
    try:
        missing = [name for name in COLLECTOR_NEEDS if importlib.util.find_spec(name) is None]
        if missing:
            sys.stderr.write(
                f"memcollect: {', '.join(missing)} not installed: this is the agent's half only. "
                "Run: pip install 'memcollect[collector]'\n"
            )
            return EXIT_FAILED
        from memcollect.commands.run import run  # noqa: PLC0415 (it needs what was looked for above)

        return run(arguments, _program_name())
    except KeyboardInterrupt:
        sys.stderr.write("memcollect: interrupted.\n")
        return EXIT_INTERRUPTED


def _leave_threads_behind(code: int) -> None:
    """End the process at once where threads still wait for an agent; return where there are none.

    After Ctrl-C, say, or on a full disk. While the interpreter takes itself apart, a daemon thread that
    just then gets its answer is ended by force, and with a C library on its stack that aborts the process.
    """
    if not any(
        thread.daemon and thread is not threading.current_thread() for thread in threading.enumerate()
    ):
        return
    # The cluster's client keeps a kubeconfig's certificate and key in files of /tmp until then.
    atexit._run_exitfuncs()  # noqa: SLF001 # there is no other way to have them run before os._exit
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _program_name() -> str:
    return "kubectl memcollect" if Path(sys.argv[0]).name.startswith("kubectl-") else "memcollect"


if __name__ == "__main__":
    sys.exit(main())
