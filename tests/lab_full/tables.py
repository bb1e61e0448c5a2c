"""What ran and what did not, as lines that are read at the end of a session."""

from collections import Counter
from collections.abc import Sequence

from lab.truth import Failed, Measured
from lab_full.runtime_truth import Session
from memcollect.units import human_bytes


def of_workloads(documents: Sequence[Measured | Failed]) -> list[str]:
    """Return a line for each pass, and one for each workload that could not be played."""
    played = Counter(each.setting for each in documents if isinstance(each, Measured))
    lines = [f"{setting:<18} {count} workloads played" for setting, count in sorted(played.items())]
    failed = [each for each in documents if isinstance(each, Failed)]
    return [*lines, *(f"{each.setting:<18} {each.workload}: {_last(each.error)}" for each in failed)]


def of_runtimes(sessions: dict[str, Session]) -> list[str]:
    """Return a line for each runtime."""
    lines = []
    for runtime, session in sessions.items():
        (each,) = [ran for ran in session.ran if ran.runtime == runtime]
        how = "runs" if each.started else f"did not run: {_last(each.error)}"
        size = human_bytes(each.started.size) if each.started else ""
        lines.append(f"{each.runtime:<20} {size:>7} {how}, {each.version}, Linux {session.kernel}")
    return lines


def _last(error: str) -> str:
    """Return the last line of a traceback, which says what happened."""
    lines = error.strip().splitlines()
    return lines[-1] if lines else ""
