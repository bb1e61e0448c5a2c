"""kubectl top's number against the agent's own of the same moment. Pure.

A metrics sample is a point in the past: its `timestamp` is the earliest container's, cut to whole
seconds (metrics-server), and up to a minute old. The agent's history says what the working set was
then. What may remain between the two is printed as the budget, and never hidden in a percentage.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from memcollect.documents.snapshot import Top
from memcollect.join.node_clock import AHEAD_SECONDS
from memcollect.join.series import Series
from memcollect.units import human_bytes

STALE_PAGES = 64
"""Pages per CPU by which inactive_file may lag in either reading (MEMCG_CHARGE_BATCH, mm/memcontrol.c)."""
SMALL_SHARE = 0.01
LARGEST_SHARE = 0.02
"""Beyond this a counter that may lag so far is no proof that it did: with 128 CPUs it may by 32 MiB."""
LEAST_BYTES = 1 << 20
"""A difference that kubectl top, in whole MiB, hardly shows."""
HISTORY_SECONDS = 120
CLOCK_WAS_SET = "the node's clock was set a moment ago, and the sample's time may be from before or after"


class Now(Struct, frozen=True, gc=False):
    """The agent's sample: its time, its working set, and what counters may lag on that node, in bytes."""

    at: float
    working_set_bytes: int
    slack_bytes: int
    current_bytes: int | None = None
    """memory.current, which tells a provider that does not subtract inactive_file."""
    clock_was_set: bool = False
    """Whether the node's clock was set, so that a sample's time may be of either setting."""


class Window(Struct, frozen=True, gc=False):
    """When a sample may have been taken: from its timestamp to `end`, in seconds since the epoch.

    One container alone: within the second that the timestamp was cut to. Several: any time between
    the earliest's and now, for the metrics API tells the earliest only.
    """

    start: float
    end: float


def window_of(timestamp: float | None, containers: int, now: float) -> Window:
    """Return one container's window; its pod has `containers` in its metrics, `now` is the node's clock.

    Where there is no time of a sample, no moment but now can be met.
    """
    if timestamp is None:
        return Window(now, now)
    return Window(timestamp, timestamp + 1 if containers == 1 else max(timestamp + 1, now))


def reconcile(top: Top, series: Series | None, window: Window, now: Now | None) -> Top:
    """Return `top` with its status, the aligned working set and the budget.

    Statuses: reconciled, undecided, drifted, stale, unaligned, unexplained, different-provider; and
    not-measured where the agent has no number at all. `top.memory_bytes` must be known.
    """
    if now is None:
        return _with(top, "not-measured", "the agent has no working set to compare with")
    if odd := _odd_time(top, now):
        return _without_age(top, now, odd)
    if series is None or not series.covers(window.start, min(window.end, now.at)):
        return _without_history(top, now)
    low, high = series.band(window.start, min(window.end, now.at))
    aligned = series.at(min(window.start + 0.5, now.at))
    tolerance = max(high - aligned, aligned - low) + now.slack_bytes
    top = msgspec.structs.replace(
        top,
        working_set_at_sample_bytes=aligned,
        tolerance_bytes=tolerance,
        history=series.between(window.start, min(window.end, now.at)),
    )
    difference = (top.memory_bytes or 0) - aligned
    if abs(difference) > max(tolerance, SMALL_SHARE * aligned):
        sentence = (
            f"{_signed(difference)} than the working set of the same moment, though two readings of it differ"
            f" by {human_bytes(tolerance)} at most"
        )
        return _whole_charge(top, now) or _with(top, "unexplained", sentence)
    beyond = max(low - (top.memory_bytes or 0), (top.memory_bytes or 0) - high, 0)
    if is_large(beyond, aligned):
        return _undecided(top, difference, now)
    return _aligned(top, aligned, tolerance, now)


def is_large(difference: int, size: int) -> bool:
    """Return whether a difference is more than may be taken for a counter's lag without further proof."""
    return abs(difference) > max(LARGEST_SHARE * size, LEAST_BYTES)


def _undecided(top: Top, difference: int, now: Now) -> Top:
    size = (top.memory_bytes or 0) - difference
    share = f" ({abs(difference) / size:.0%})" if size > 0 else ""
    sentence = (
        f"{_signed(difference)}{share} than the agent read; the kernel's counters may lag"
        f" by {human_bytes(now.slack_bytes)} on this node, which does not prove that they do"
    )
    return _with(top, "undecided", sentence)


def _odd_time(top: Top, now: Now) -> str:
    """Return what is wrong with the sample's time, "" if nothing is."""
    if top.timestamp is None:
        return CLOCK_WAS_SET if now.clock_was_set else "the metrics API gives no time of its sample"
    ahead = top.timestamp - now.at
    return f"the sample's time is {ahead:.0f} s ahead of the node's clock" if ahead > AHEAD_SECONDS else ""


def _without_age(top: Top, now: Now, when: str) -> Top:
    """Return `top` held against the present alone; `when` says what is wrong with its sample's time."""
    difference = (top.memory_bytes or 0) - now.working_set_bytes
    if abs(difference) <= now.slack_bytes and not is_large(difference, now.working_set_bytes):
        return _with(top, "reconciled", f"equal to the working set now; {when}")
    return _with(top, "unaligned", f"{_signed(difference)} than now; {when}, so its age is not known")


def _whole_charge(top: Top, now: Now) -> Top | None:
    """Return `top` as what a runtime gives that reports memory.current itself; None where it does not."""
    if now.current_bytes is None or abs((top.memory_bytes or 0) - now.current_bytes) > now.slack_bytes:
        return None
    top = msgspec.structs.replace(top, provider="cri-usage")
    return _with(
        top,
        "different-provider",
        "the number equals memory.current, so whoever feeds the metrics API does not subtract inactive_file",
    )


def _aligned(top: Top, aligned: int, tolerance: int, now: Now) -> Top:
    """Tell a number that agrees with its own moment: whether it still holds, or what has changed since.

    Held against the sample itself and not against `aligned`: of several containers it is not known which
    moment after the earliest's is whose, and a budget that spans all of it would hide every growth.
    """
    size = top.memory_bytes or 0
    moved = now.working_set_bytes - size
    if abs(moved) > max(now.slack_bytes, SMALL_SHARE * now.working_set_bytes):
        return _with(
            top, "drifted", f"it has {'grown' if moved > 0 else 'shrunk'} by {human_bytes(abs(moved))} since"
        )
    if abs(size - aligned) <= tolerance:
        return _with(top, "reconciled", "")
    budget = human_bytes(tolerance)
    return _with(
        top,
        "reconciled",
        f"{_signed(size - aligned)} than our own reading, which may be off by {budget}, but within 1 %",
    )


def _age(top: Top, now: Now) -> float:
    return max(0.0, now.at - (top.timestamp or now.at))


def _without_history(top: Top, now: Now) -> Top:
    difference = now.working_set_bytes - (top.memory_bytes or 0)
    if abs(difference) <= now.slack_bytes and not is_large(difference, now.working_set_bytes):
        return _with(top, "reconciled", "equal to the working set now; no history of the sample's time")
    if abs(difference) <= SMALL_SHARE * now.working_set_bytes:
        return _with(top, "reconciled", "within 1 % of the working set now; no history of the sample's time")
    age = _age(top, now)
    if age > HISTORY_SECONDS:
        return _with(top, "stale", _since_when(top, age))
    return _with(
        top,
        "unaligned",
        f"{_signed(difference)} now than in the sample of {age:.0f} s ago: no history of then",
    )


def _since_when(top: Top, age: float) -> str:
    taken = f"{datetime.fromtimestamp(top.timestamp or 0, UTC):%Y-%m-%d %H:%M:%S} UTC"
    return f"the metrics API has no newer sample than that of {taken}, {in_words(age)} ago"


def in_words(seconds: float) -> str:
    """Return a span of time as a person says it: "90 s", "12 min", "5 h", "3 days"."""
    for unit, least, name in ((86400, 2 * 86400, "days"), (3600, 2 * 3600, "h"), (60, 600, "min")):
        if seconds >= least:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


SEVERITY = (
    "reconciled",
    "drifted",
    "different-provider",
    "undecided",
    "unaligned",
    "stale",
    "not-measured",
    "unexplained",
    "no-metrics",
)
"""A pod is what the last of these is that one of its containers is."""


def combine(parts: Sequence[Top], names: Sequence[str] = ()) -> Top:
    """Return a pod's number as kubectl adds it up from its containers'.

    The pod's status is the worst of theirs; the budget and the aligned number are added. A sum with an
    unknown part is unknown. `names` are the containers', for a sentence that concerns one of several.
    """
    if len(parts) == 1:
        return msgspec.structs.replace(parts[0], remark="", history=[])
    number = max(range(len(parts)), key=lambda each: _severity(parts[each]))
    worst = parts[number]
    concerned = f"container {names[number]}: " if worst.detail and len(names) > 1 else ""
    return Top(
        source=parts[0].source,
        timestamp=min((part.timestamp for part in parts if part.timestamp is not None), default=None),
        memory_bytes=_sum_if_all([part.memory_bytes for part in parts]),
        cpu_nanocores=_sum_if_all([part.cpu_nanocores for part in parts]),
        provider=worst.provider,
        status=worst.status,
        detail=f"{concerned}{worst.detail}",
        working_set_at_sample_bytes=_sum_if_all([part.working_set_at_sample_bytes for part in parts]),
        tolerance_bytes=_sum_if_all([part.tolerance_bytes for part in parts]),
    )


def _severity(top: Top) -> int:
    return SEVERITY.index(top.status) if top.status in SEVERITY else -1


def _sum_if_all(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _with(top: Top, status: str, detail: str) -> Top:
    return msgspec.structs.replace(top, status=status, detail=detail)


def _signed(size_bytes: int) -> str:
    return f"{human_bytes(abs(size_bytes))} {'more' if size_bytes >= 0 else 'less'}"


def slack_bytes(cpus: int | None, page_size_bytes: int | None) -> int:
    """Return what counters may lag on a node, in bytes; of one page size and CPU where it did not say."""
    return STALE_PAGES * (cpus or 1) * (page_size_bytes or 4096)
