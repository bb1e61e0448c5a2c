"""The full lab as a command.

python -m memcollect.lab.full build                 make the image, if it is not kept yet
python -m memcollect.lab.full run -- COMMAND…       in the machine that `start` left, else in one of its own
python -m memcollect.lab.full start | stop          keep a machine for many commands; end it
python -m memcollect.lab.full put FILE…             copy files into the kept machine's /root
"""

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from memcollect.lab.errors import LabError
from memcollect.lab.full import image, session, sources
from memcollect.lab.full.recipe import VERSIONS


def main(arguments: list[str]) -> int:
    """Do what the first word says; 0 done, 1 failed, 2 not understood, or the command's own."""
    parser = argparse.ArgumentParser(
        prog="python -m memcollect.lab.full", description=__doc__.splitlines()[0]
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, text in (
        ("build", "make the image, if it is not kept yet"),
        ("start", "boot a machine and keep it"),
        ("stop", "end the kept machine"),
        ("run", "run a command as root of the kept machine, else of one booted for it"),
        ("put", "copy files into the kept machine's /root"),
    ):
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("--kernel", choices=VERSIONS, default=VERSIONS[0], help="default: %(default)s")
        if name == "run":
            action.add_argument("command", nargs="+", metavar="-- COMMAND")
        if name == "put":
            action.add_argument("files", nargs="+", type=Path, metavar="FILE")
    chosen = parser.parse_args(arguments)
    actions_by_name: dict[str, Callable[[argparse.Namespace], int]] = {
        "build": _build, "start": _start, "stop": _stop, "run": _run, "put": _put
    }  # fmt: skip
    try:
        return actions_by_name[chosen.action](chosen)
    except LabError as error:
        _say(str(error))
        return 1


def _build(chosen: argparse.Namespace) -> int:
    _say(image.provide(chosen.kernel, _say).directory)
    return 0


def _start(chosen: argparse.Namespace) -> int:
    session.start(chosen.kernel, _say)
    _say("it is up; end it with: python -m memcollect.lab.full stop")
    return 0


def _stop(chosen: argparse.Namespace) -> int:
    _say("ended" if session.stop(chosen.kernel) else "no machine was running")
    return 0


def _run(chosen: argparse.Namespace) -> int:
    running = session.kept(chosen.kernel)
    if running is not None:
        sources.put(running.remote)
        return subprocess.call(running.remote.ssh(chosen.command))  # noqa: S603 -- what the user asked for
    with session.booted(chosen.kernel, _say) as booted:
        return subprocess.call(booted.remote.ssh(chosen.command))  # noqa: S603 -- as above


def _put(chosen: argparse.Namespace) -> int:
    running = session.kept(chosen.kernel)
    if running is None:
        raise LabError("no machine is running.", "Start one with: python -m memcollect.lab.full start")
    running.remote.put([(each, each.name) for each in chosen.files], "/root")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
