"""Has the guest play what is asked for, and keeps each workload's document as soon as it is there.

A session that was ended goes on where it was: what is kept as measured is not played again.
"""

import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lab.compile import compiled
from lab.truth import Failed, Measured
from lab_full.chosen import HERE
from lab_full.runner import ALL
from lab_full.runtime_truth import Session
from lab_full.runtimes import CONTAINERS, IN_PODS, SERVICES
from memcollect.lab.errors import LabError
from memcollect.lab.full.machine import Running

Case = tuple[str, str]
"""A pass and a workload."""
PASS_SECONDS = 3600.0
"""A workload takes 3 s, and 30 where the emulated processor gets a tenth of a real one."""
RUNTIMES_SECONDS = 7200.0
NODE_SECONDS = 1800.0


def asked_for(items: Iterable[pytest.Item]) -> list[Case]:
    """Return what the tests of a session look at, in the order in which it is played."""
    places = {name: place for place, name in enumerate(ALL)}
    return sorted(_values_of("measured", items), key=lambda case: (case[0], places[case[1]]))


def runtimes_asked_for(items: Iterable[pytest.Item]) -> list[str]:
    """Return the runtimes that the tests of a session look at, in the order in which they are started."""
    wanted = _values_of("runtime", items)
    return [name for name in (*SERVICES, *IN_PODS, *CONTAINERS) if name in wanted]


def kept(directory: Path, cases: Iterable[Case]) -> dict[Case, Measured | Failed]:
    """Return the documents of `cases` that are in `directory`."""
    files = {case: _file(directory, case) for case in cases}
    return {
        case: msgspec.json.decode(file.read_bytes(), type=Measured | Failed)
        for case, file in files.items()
        if file.exists()
    }


def play(machine: Running, directory: Path, setting: str, workloads: Sequence[str]) -> list[Failed]:
    """Play workloads of one pass, keep what comes, and return with the reason those of which nothing came."""
    program = put_program(machine, directory)
    began = time.monotonic()
    left = list(workloads)

    def keep(line: str) -> None:
        nonlocal began
        document = msgspec.json.decode(line, type=Measured | Failed)
        _file(directory, (setting, document.workload)).write_text(line)
        left.remove(document.workload)
        now = time.monotonic()
        say(f"{setting} {document.workload} {type(document).__name__.lower()} {now - began:.1f} s")
        began = now

    command = ["python3", "-m", "lab_full.runner", program, setting, *workloads]
    try:
        code, errors = machine.remote.run(command, PASS_SECONDS, keep)
        reason = f"the guest's side of the suite ended with {code}: {' / '.join(errors[-4:])}"
    except LabError as error:
        reason = str(error)
    return [Failed(workload=each, kernel="", setting=setting, error=reason) for each in left]


def run(machine: Running, directory: Path, names: Sequence[str]) -> None:
    """Start runtimes, one beside the other, and keep what is said of them. Raises LabError."""
    command = ["python3", "-m", "lab_full.runtimes", put_program(machine, directory), "/root/results", *names]
    code, errors = machine.remote.run(command, RUNTIMES_SECONDS, say)
    if code == 0:
        machine.remote.fetch("/root/results", directory)
        return
    with suppress(LabError):
        machine.remote.fetch("/root/results", directory)
    raise LabError(f"the guest's side of the suite ended with {code}: {' / '.join(errors[-4:])}")


def make_node(machine: Running, file: Path) -> None:
    """Make the node on purpose and keep what the agent says of it, before and after. Raises LabError."""
    lines = machine.remote.check(
        ["python3", "-m", "lab_full.node", put_program(machine, file.parent)], NODE_SECONDS
    )
    file.write_text("".join(f"{line}\n" for line in lines))


def kept_sessions(directory: Path) -> dict[str, Session]:
    """Return the newest session in which each runtime ran; where it never did, the newest that tried."""
    files = sorted(directory.glob("*.json"))
    sessions = [msgspec.json.decode(file.read_bytes(), type=Session) for file in files]
    tried = {each.runtime: session for session in sessions for each in session.ran}
    return tried | {each.runtime: session for session in sessions for each in session.ran if each.started}


def put_program(machine: Running, directory: Path) -> str:
    """Compile the truthful program, bring it to the guest, and return where it is there."""
    directory.mkdir(parents=True, exist_ok=True)
    machine.remote.put([(compiled(directory, HERE / "full.c"), "workload")], "/root")
    return "/root/workload"


def say(line: str) -> None:
    """Tell of progress; pytest shows it with -s, and of a suite that failed."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _values_of(name: str, items: Iterable[pytest.Item]) -> set[Any]:
    calls = [getattr(item, "callspec", None) for item in items]
    return {call.params[name] for call in calls if call is not None and name in call.params}


def _file(directory: Path, case: Case) -> Path:
    return directory / f"{case[0]}.{case[1]}.json"
