"""One demand held against what was seen: a function for each kind of demand. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

from memcollect.evidence.contents import made
from memcollect.evidence.demands import (
    Answered,
    Bytes,
    Demand,
    Ends,
    Fact,
    Finds,
    Header,
    Holds,
    HoldsOrSays,
    Matched,
    OomIsTold,
    Recorded,
    Refused,
    Same,
    Says,
    Status,
    Took,
)
from memcollect.evidence.exits import Exited, Signalled, TimedOut, Unknown, told
from memcollect.evidence.port import BROKEN, Match
from memcollect.evidence.seen import Seen
from memcollect.evidence.telling import counted, facts_in_words, fingerprint, shown, words

HeldVerdict: TypeAlias = Literal["as-expected", "differs", "fails", "not-tried"]
_ERROR_TEXT = re.compile(rb"\s*(Error|error|ERROR)\s*:")
_SAYS_CUT = re.compile(
    rb"trunc|omitt|\bcut\b|too (long|large|big)|exceed|limit|more (bytes|characters)", re.IGNORECASE
)
_SAYS_KILLED = re.compile(rb"kill|out of memory|oom|memory|137|signal", re.IGNORECASE)
_NOTICE_BYTES = 4096
"""A notice of a cut is looked for in this much more than the material."""


class Held(NamedTuple):
    """Whether a demand holds, and the sentence that tells it."""

    verdict: HeldVerdict
    sentence: str


def hold(demand: Demand, step: Seen, seen: Mapping[str, Seen]) -> Held:
    """Return whether `demand` holds of `step`; `seen` is everything of the check, by label."""
    if isinstance(demand, Refused):
        return _refused(demand, step)
    if isinstance(demand, OomIsTold):
        return _oom(demand, step, seen)
    if isinstance(demand, Took):
        return _took(demand, step)
    if step.came == "error":
        if isinstance(demand, Recorded) and step.kind not in BROKEN:
            return Held("as-expected", f"refused: {step.why}")
        return Held("fails", f"{_means(demand)}{_error(step)}")
    return _answer(demand, step, seen)


def _answer(demand: Demand, step: Seen, seen: Mapping[str, Seen]) -> Held:
    if isinstance(demand, Same):
        return _same(demand, step, seen)
    return _HOLDING[type(demand)](demand, step)


def _status(demand: Status, step: Seen) -> Held:
    return _of(demand, f"HTTP {step.status}", holds=step.status in demand.any_of)


def _header(demand: Header, step: Seen) -> Held:
    value = step.headers.get(demand.name, "")
    said = f"{demand.name}: {value}" if value else f"no {demand.name} header"
    return _of(demand, said, holds=demand.holds in value)


def _bytes(demand: Bytes, step: Seen) -> Held:
    return _of(demand, words(step.data), holds=step.data.rstrip(b"\n").hex() in demand.any_of)


def _answered(_demand: Answered, step: Seen) -> Held:
    return Held("as-expected", shown(step))


def _of(demand: Demand, said: str, *, holds: bool) -> Held:
    if holds:
        return Held("as-expected", said)
    return Held(demand.otherwise, f"{_means(demand)}{said}")


def _means(demand: Demand) -> str:
    return f"{demand.means}: " if demand.means else ""


def _error(step: Seen) -> str:
    return f"no usable answer ({step.kind}): {step.why}" if step.kind in BROKEN else f"an error: {step.why}"


def _ends(demand: Ends, step: Seen) -> Held:
    if step.exit is None or isinstance(step.exit, Unknown):
        why = told(step.exit or Unknown("the answer has none"))
        return Held("differs", f"{why}; the text is {words(step.both)}")
    holds = step.exit in demand.ways
    return _of(demand, told(step.exit), holds=holds)


def _says(demand: Says, step: Seen) -> Held:
    text = _text(demand, step)
    if demand.exactly is not None and text.rstrip(b"\n") != demand.exactly.encode().rstrip(b"\n"):
        return _of(demand, _quoted(text, step), holds=False)
    for wanted in demand.holds:
        if wanted.encode() not in text:
            return _of(demand, f"no {words(wanted.encode())} in {_quoted(text, step)}", holds=False)
    for unwanted in demand.lacks:
        if unwanted.encode() in text:
            return _of(demand, f"{words(unwanted.encode())} is in {words(text)}", holds=False)
    return Held("as-expected", words(text) if text else "no text")


def _quoted(text: bytes, step: Seen) -> str:
    """Return the text; where there is none, what stderr says beside it, which tells why."""
    return words(text) if text.strip() or not step.stderr else f"no text; stderr {words(step.stderr)}"


def _text(demand: Says, step: Seen) -> bytes:
    if demand.where == "both" or (demand.where == "stderr" and step.stderr is None):
        return step.both
    return step.stderr or b"" if demand.where == "stderr" else step.data


def _holds(demand: Holds, step: Seen) -> Held:
    wanted = made(demand.material)
    if step.data == wanted:
        return Held("as-expected", f"identical, {fingerprint(wanted)}")
    return _of(demand, f"{fingerprint(step.data)} instead of {fingerprint(wanted)}", holds=False)


def _holds_or_says(demand: HoldsOrSays, step: Seen) -> Held:
    wanted = made(demand.material)
    text = step.both
    if text.rstrip(b"\n") == wanted.rstrip(b"\n"):
        return Held("as-expected", f"whole, {fingerprint(wanted)}")
    kept = _common(text, wanted)
    notice = text[kept : len(text) - _common(text[kept:][::-1], wanted[::-1])]
    said = _SAYS_CUT.search(notice[:_NOTICE_BYTES])
    if len(text) < len(wanted) + _NOTICE_BYTES and said:
        return Held("as-expected", f"cut after {kept} bytes, and it says so: {words(notice.strip(), 80)}")
    return _of(demand, f"{len(text)} of {len(wanted)} bytes, and nothing says that it was cut", holds=False)


def _common(one: bytes, other: bytes) -> int:
    """Return how many bytes two texts begin with alike."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _same(demand: Same, step: Seen, seen: Mapping[str, Seen]) -> Held:
    other = seen.get(demand.other)
    if other is None or other.came != "answer":
        return Held("not-tried", f"there is nothing of “{demand.other}” to hold it against")
    alike = step.data.rstrip(b"\n") == other.data.rstrip(b"\n")
    return _of(demand, f"{words(step.data, 60)} beside {words(other.data, 60)}", holds=alike != demand.differ)


def _took(demand: Took, step: Seen) -> Held:
    if step.came == "error" and step.kind in BROKEN:
        return Held("fails", f"{_means(demand)}{_error(step)}")
    holds = demand.least_seconds <= step.seconds <= demand.most_seconds
    return _of(demand, f"after {step.seconds:.1f} s", holds=holds)


def _refused(demand: Refused, step: Seen) -> Held:
    if step.came == "answer":
        if _ERROR_TEXT.match(step.both):
            return Held("differs", f"an error only as a text: {words(step.both)}")
        return Held(demand.otherwise, f"{_means(demand)}{_instead(step)}")
    if step.kind in BROKEN:
        return Held("fails", f"{_means(demand)}{_error(step)}")
    if demand.kinds and step.kind not in demand.kinds:
        return Held("differs", f"an error of another kind ({step.kind}): {step.why}")
    return Held("as-expected", f"refused: {step.why}")


def _instead(step: Seen) -> str:
    return f"no error but {shown(step)}" if step.data or step.status or step.paths else "no error"


def _finds(demand: Finds, step: Seen) -> Held:
    paths = step.paths or []
    ends = [path.rstrip("/") for path in paths]
    for wanted in demand.holds:
        if not any(path.endswith(wanted) for path in ends):
            return _of(demand, f"{wanted} is not among {counted(len(paths), 'path')}", holds=False)
    for unwanted in demand.lacks:
        if any(path.endswith(unwanted) for path in ends):
            return _of(demand, f"{unwanted} is among {counted(len(paths), 'path')}", holds=False)
    if demand.count is not None and len(paths) != demand.count:
        return _of(demand, f"{counted(len(paths), 'path')} instead of {demand.count}", holds=False)
    if demand.at_most is not None and len(paths) > demand.at_most:
        return _of(demand, f"{counted(len(paths), 'path')}, more than {demand.at_most}", holds=False)
    return _truncated(demand.truncated, step, demand, shown(step))


def _matched(demand: Matched, step: Seen) -> Held:
    found = step.matches or []
    for end, number, line in demand.lines:
        if not any(_is(each, end, number, line) for each in found):
            return _of(
                demand, f"{end}:{number} is not among {counted(len(found), 'match', 'matches')}", holds=False
            )
    wanted = demand.count if demand.count is not None else len(demand.lines)
    if len(found) != wanted:
        return _of(demand, f"{counted(len(found), 'match', 'matches')} instead of {wanted}", holds=False)
    return _truncated(demand.truncated, step, demand, shown(step))


def _is(match: Match, end: str, number: int, line: str) -> bool:
    return match.path.endswith(end) and match.number == number and match.line.rstrip("\n") == line


def _truncated(wanted: bool | None, step: Seen, demand: Demand, said: str) -> Held:  # noqa: FBT001 # a fact
    if wanted is None or step.truncated == wanted:
        return Held("as-expected", said)
    what = {
        True: "says there are more",
        False: "says that is all",
        None: "does not say whether there are more",
    }
    return _of(demand, f"{said}; it {what[step.truncated]}", holds=False)


def _fact(demand: Fact, step: Seen) -> Held:
    if demand.name not in step.facts:
        why = step.absent.get(demand.name, "nothing tells it")
        return Held("not-tried", f"{demand.name.replace('_', ' ')} is not known: {why}")
    value = step.facts[demand.name]
    holds = value == demand.equals if demand.equals is not None else True
    if demand.at_most is not None:
        holds = holds and isinstance(value, int) and value <= demand.at_most
    return _of(demand, facts_in_words(step, (demand.name,)), holds=holds)


def _recorded(demand: Recorded, step: Seen) -> Held:
    if step.facts or step.absent:
        names = demand.facts or (*step.facts, *step.absent)
        known = [name for name in names if name in step.facts]
        if not known:
            why = next((step.absent[name] for name in names if name in step.absent), "nothing tells it")
            return Held("not-tried", f"not known: {why}")
        return Held("as-expected", facts_in_words(step, names))
    return Held("as-expected", shown(step))


def _oom(demand: OomIsTold, step: Seen, seen: Mapping[str, Seen]) -> Held:
    counts = [seen[label].facts.get("oom_kills") for label in (demand.before, demand.after) if label in seen]
    if len(counts) < 2 or not all(isinstance(each, int) for each in counts):
        absent = next((s.absent.get("oom_kills") for s in seen.values() if "oom_kills" in s.absent), None)
        return Held("not-tried", f"oom_kill of the kernel is not known: {absent or 'nothing tells it'}")
    kills = int(counts[1]) - int(counts[0])  # type: ignore[arg-type] # both are int, as was asked above
    if not kills:
        return Held("not-tried", f"the kernel killed nothing: {shown(step)}")
    said = f"oom_kill rose by {kills}; the backend: {shown(step)}"
    if step.came == "error":
        return Held("as-expected" if step.kind not in BROKEN else "differs", said)
    if isinstance(step.exit, Exited) and step.exit.code == 0:
        return _of(demand, said, holds=False)
    if isinstance(step.exit, Signalled | Exited | TimedOut) or _SAYS_KILLED.search(step.both):
        return Held("as-expected", said)
    return Held("differs", said)


_HOLDING: Mapping[type[Demand], Callable[[Any, Seen], Held]] = {
    Ends: _ends,
    Says: _says,
    Holds: _holds,
    HoldsOrSays: _holds_or_says,
    Bytes: _bytes,
    Finds: _finds,
    Matched: _matched,
    Status: _status,
    Header: _header,
    Fact: _fact,
    Answered: _answered,
    Recorded: _recorded,
}
