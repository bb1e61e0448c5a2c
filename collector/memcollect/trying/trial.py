"""The trial of one backend: row by row, check by check, each within its time, everything removed after."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from memcollect.evidence.checks import Check, Row
from memcollect.evidence.document import CheckResult, RowResult, kept
from memcollect.evidence.judging import Judged, Verdict, judge
from memcollect.evidence.port import BROKEN, OperationError
from memcollect.evidence.seen import Seen
from memcollect.evidence.steps import Look, Step, Take, Together
from memcollect.secrecy import without_secrets
from memcollect.trying.cleaning import clean_files, clean_uploads, destroy, end_threads
from memcollect.trying.limits import within
from memcollect.trying.naming import filled_check, of_check
from memcollect.trying.performing import Performer, seconds_of

TAKE_SECONDS = 240.0
_PROBE_SECONDS = 10.0


@dataclass
class Trial:
    """Tries rows; `say` is told of each check as it ends, `saved` gets each row as it ends."""

    performer: Performer
    say: Callable[[str], None]
    saved: Callable[[RowResult], None] = lambda _row: None
    left: list[str] = field(default_factory=list)

    def run(self, rows: Sequence[Row]) -> list[RowResult]:
        """Return what came of the rows; what could not be removed is in `left`."""
        results = []
        for row in rows:
            if self.performer.stopped():
                break
            result = self._row(row)
            results.append(result)
            self.saved(result)
        return results

    def _row(self, row: Row) -> RowResult:
        self.performer.row = row.name
        self.performer.held.clear()
        began = time.monotonic()
        # A backend's own waiting, for its idle timeout, is not the row's.
        until = began + row.seconds + (self.performer.settings.idle_seconds or 0.0)
        try:
            checks = self._checks(row, until)
        finally:
            self._clean()
        return RowResult(row=row.name, checks=checks, seconds=round(time.monotonic() - began, 3))

    def _checks(self, row: Row, until: float) -> list[CheckResult]:
        results: list[CheckResult] = []
        first: list[Seen] | None = None
        names = of_check(self.performer.ledger.run, row.name, _first_as_check(row))
        for check in row.checks:
            began = time.monotonic()
            if row.first and first is None and not self.performer.stopped():
                self.performer.begin(names)
                first = self._steps(_first_as_check(row), row.first, until)
            own = names if not check.steps else of_check(self.performer.ledger.run, row.name, check)
            result = self._check(row, check, own, first or [], until)
            took = time.monotonic() - began
            results.append(msgspec.structs.replace(result, seconds=round(took, 3)))
            self.say(f"{row.name}: {check.name}: {result.verdict}, {took:.1f} s")
        return results

    def _check(
        self, row: Row, check: Check, names: dict[str, str], first: Sequence[Seen], until: float
    ) -> CheckResult:
        for need in check.needs:
            offered, why = self.performer.lacks(need)
            if why:
                verdict: Verdict = "not-offered" if offered else "not-tried"
                return _result(check, Judged(verdict=verdict, observed=why), [])
        if self.performer.stopped():
            return _result(check, Judged(verdict="not-tried", observed="interrupted before it was tried"), [])
        if time.monotonic() > until:
            why = f"the row's time, {row.seconds:g} s, was spent before it"
            return _result(check, Judged(verdict="not-tried", observed=why), [])
        asked = filled_check(check, names)
        self.performer.begin(names)
        own = self._steps(check, check.steps, until)
        wanted = {demand.of for demand in check.demands}
        seen = [*(each for each in first if each.label in wanted or not check.steps), *own]
        judged = judge(asked, seen)
        self._afterwards(check, own)
        return _result(asked, judged, seen)

    def _steps(self, check: Check, steps: Sequence[Step], until: float) -> list[Seen]:
        """Do the steps in their order; the first without an answer ends them, unless none was demanded.

        Whoever sees the sandbox from outside is asked all the same: what came of it is theirs to tell.
        """
        seen: list[Seen] = []
        expected = {demand.of for demand in check.demands}
        if _needs_own_box(steps):
            taken = self.performer.perform(Take(label="sandbox"), TAKE_SECONDS)
            if taken[0].came != "answer":
                return [_no_sandbox(taken[0])]
        broken = False
        for step in steps:
            if broken and not isinstance(step, Look):
                continue
            found = self.performer.perform(step, self._seconds(step, check, until))
            if time.monotonic() > until:
                found = [_cut_short(each) for each in found]
            if isinstance(step, Take) and found[0].came == "error":
                found = [_no_sandbox(found[0])]
            seen += found
            last = found[-1]
            broken |= last.came == "error" and (last.kind in BROKEN or last.label not in expected)
            if last.came in {"not-offered", "not-tried"}:
                break
        return seen

    def _seconds(self, step: Step, check: Check, until: float) -> float:
        own = TAKE_SECONDS if isinstance(step, Take) else seconds_of(step, check, self.performer.settings)
        return max(1.0, min(own, until - time.monotonic() + 1.0))

    def _afterwards(self, check: Check, seen: Sequence[Seen]) -> None:
        """Replace the row's own sandbox where the check may have spoilt it."""
        held = self.performer.held.get("a")
        suspect = any(each.came == "error" and each.kind in BROKEN for each in seen)
        if held is None or held.box is None or not (check.alone or suspect):
            return
        if not check.alone and self._answers():
            return
        del self.performer.held["a"]
        self._fault(destroy(self.performer.provider, held.key, held))

    def _answers(self) -> bool:
        held = self.performer.held["a"]
        try:
            assert held.box is not None  # noqa: S101 # the caller has looked
            box = held.box
            return (
                b"alive"
                in within(_PROBE_SECONDS, lambda: box.run("echo alive", {}, None, _PROBE_SECONDS)).stdout
            )
        except (OperationError, Exception):  # noqa: BLE001 # whatever it is: it does not answer
            return False

    def _clean(self) -> None:
        """Remove the row's files, uploads, sandboxes and threads, in this order."""
        performer = self.performer
        faults = [clean_files(performer.ledger, held) for held in performer.held.values()]
        faults += clean_uploads(performer.ledger, performer.gateway)
        by_key = {held.key: held for held in performer.held.values()}
        for key in performer.ledger.keys:
            faults.append(destroy(performer.provider, key, by_key.get(key)))
        faults += end_threads(performer.ledger, performer.gateway)
        performer.ledger.keys.clear()
        performer.held.clear()
        for fault in faults:
            self._fault(fault)

    def _fault(self, why: str) -> None:
        if why:
            why = without_secrets(why)
            self.left.append(why)
            self.say(f"not removed: {why}")


def _first_as_check(row: Row) -> Check:
    """Return the row's common steps as a check that expects an answer of each and judges none."""
    demands = tuple(demand for check in row.checks for demand in check.demands)
    return Check(
        name="first", asks="", expected="", source="", steps=row.first, demands=demands, seconds=TAKE_SECONDS
    )


def _needs_own_box(steps: Sequence[Step]) -> bool:
    def needs(step: Step) -> bool:
        if isinstance(step, Together):
            return any(run.box == "a" for run in step.runs)
        return step.box == "a" and not isinstance(step, Take) and step.__struct_config__.tag not in _NO_BOX

    return any(needs(step) for step in steps)


_NO_BOX = frozenset({"outlive", "restart", "declared"})


def _no_sandbox(taken: Seen) -> Seen:
    """Return a sandbox that could not be had as a step of its own: the check behind it is not tried."""
    if taken.came != "error":
        return taken
    return msgspec.structs.replace(taken, came="not-tried", why=f"no sandbox could be had: {taken.why}")


def _cut_short(seen: Seen) -> Seen:
    """Return a step that had the rest of the row's time, and not its own: no answer in it is no fault."""
    if seen.came != "error" or seen.kind != "timeout":
        return seen
    return msgspec.structs.replace(seen, came="not-tried", why=f"the row's time was spent: {seen.why}")


def _result(check: Check, judged: Judged, seen: Sequence[Seen]) -> CheckResult:
    return CheckResult(
        name=check.name,
        verdict=judged.verdict,
        asks=check.asks,
        expected=check.expected,
        source=check.source,
        level=check.level,
        observed=without_secrets(judged.observed),
        levels=list(dict.fromkeys(each.level for each in seen if each.level is not None)),
        steps=[kept(each) for each in seen],
    )
