"""What came of fuzzing a target: read from libFuzzer's words, and told in a table."""

import re
from collections.abc import Sequence

from msgspec import Struct

_LAST = re.compile(r"^#(\d+)\s+(?:DONE|pulse|NEW|REDUCE|INITED|RELOAD)\s+cov: (\d+)", re.MULTILINE)
_EXECUTED = re.compile(r"^stat::number_of_executed_units:\s*(\d+)", re.MULTILINE)
_SUMMARY = re.compile(r"^(?:SUMMARY: libFuzzer: |==\d+== ERROR: libFuzzer: )(.+)$", re.MULTILINE)
_RAISED = re.compile(r"^ === Uncaught Python exception: ===\n(.+)$", re.MULTILINE)
_HEAD = ("target", "inputs", "places", "seconds", "result")


class Result(Struct, frozen=True, kw_only=True):
    """One target."""

    target: str
    inputs: int
    places: int
    """Of the code, that were reached: edges between its blocks."""
    seconds: float
    fault: str = ""
    """What it could not take, in a line; "" where there was nothing."""

    def row(self) -> tuple[str, ...]:
        """Return it as the table has it."""
        shown = self.fault or "ok"
        return (self.target, f"{self.inputs:,}", str(self.places), f"{self.seconds:.0f}", shown)

    def line(self) -> str:
        """Return it in a line."""
        return f"{self.target}: {self.inputs:,} inputs, {self.fault or 'ok'}"


def judged(target: str, words: str, status: int | None, seconds: float) -> Result:
    """Return the result of a process that wrote `words` and ended with `status`; None: it was ended."""
    last = [(int(inputs), int(places)) for inputs, places in _LAST.findall(words)]
    executed = [int(count) for count in _EXECUTED.findall(words)]
    return Result(
        target=target,
        inputs=max([*executed, *(inputs for inputs, _ in last)], default=0),
        places=max((places for _, places in last), default=0),
        seconds=seconds,
        fault="" if status == 0 else _fault(words, status),
    )


def _fault(words: str, status: int | None) -> str:
    for said in (_RAISED, _SUMMARY):
        if found := said.search(words):
            return found[1][:200].strip()
    return "it did not end in time" if status is None else f"it ended with {status}"


def told(results: Sequence[Result], asked: int = 0) -> str:
    """Return the table, its sum, and which targets took fewer inputs than were asked for."""
    rows = [_HEAD, *(each.row() for each in results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_line(row, widths) for row in rows]
    inputs, failed = sum(each.inputs for each in results), sum(bool(each.fault) for each in results)
    lines.append(f"{len(results)} targets, {inputs:,} inputs, {failed} with a fault")
    if short := [each.target for each in results if each.inputs < asked]:
        reached = len(results) - len(short)
        lines.append(
            f"{reached} of {len(results)} took the {asked:,} asked for; fewer took {', '.join(short)}"
        )
    return "".join(f"{line}\n" for line in lines)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    name, *numbers, result = row
    shown = (number.rjust(width) for number, width in zip(numbers, widths[1:-1], strict=True))
    return "  ".join([name.ljust(widths[0]), *shown, result])
