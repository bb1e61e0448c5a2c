"""What a verdict is made of: statements, each with its place, its amount and what it rests on. Pure.

A module that has something to say in the verdict has a function `(Case) -> Iterable[Said]` and is named in
memcollect.explain.verdict. What must be told is told whatever else there is; the rest fills up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from enum import IntEnum

from msgspec import Struct

from memcollect.accounting.facts import Facts, MissingFactError
from memcollect.accounting.steps.processes import CHARGING, DOUBLE_COUNTING
from memcollect.documents.snapshot import Container, Finding, Pod, Reclaimable, Statement
from memcollect.units import MIB
from memcollect_agent.wire import Cgroup

SMALLEST_SHARE = 0.05
"""Of the working set: what is larger than this is always in the verdict."""


_OF_PROCESSES = {rule.term: rule.amount for rule in (*DOUBLE_COUNTING, *CHARGING)}
"""What may stand between a pod's processes and its charge."""


class Rank(IntEnum):
    """What a statement is about. Documents keep these numbers; `ORDER` says in which order they are read."""

    PARTS = 0
    """What the working set is made of; clauses of one sentence."""
    WITHIN = 1
    """What more there is to say of one of those parts."""
    DEATHS = 2
    """What was killed, and whose want of memory it was."""
    PRESSURE = 3
    """Limits that are near or were reached, stalls, throttling."""
    ROOM = 4
    """How much is left to the limit."""
    BESIDE = 5
    """What is held beside the working set."""
    DOUBTS = 6
    """What has no name, and what could not be decided."""
    TOP = 7
    """Where kubectl top's number is another one."""
    ASIDE = 8
    """What is worth knowing where there is room for it."""


ORDER = (
    *(Rank.DEATHS, Rank.PRESSURE),
    *(Rank.PARTS, Rank.WITHIN, Rank.ROOM, Rank.BESIDE, Rank.DOUBTS, Rank.TOP, Rank.ASIDE),
)
"""In which order a verdict is read: what has gone wrong, what the memory is, and what else there is."""
NEWS = (Rank.DEATHS, Rank.PRESSURE, Rank.DOUBTS)
"""What of a verdict makes a pod worth a look, the most urgent first."""


class Said(Struct, frozen=True, gc=False):
    """A statement before the verdict is composed."""

    topic: str
    """One verdict says one thing of a topic: of several, the first that was contributed."""
    sentence: str
    rank: Rank
    weight: int = 0
    """Among statements of one rank the heavier stands first: bytes, usually."""
    amount_bytes: int | None = None
    reclaimable: Reclaimable | None = None
    rests_on: Sequence[str] = ()
    is_optional: bool = False
    """Whether it may be left out of a verdict that is long enough."""

    def statement(self) -> Statement:
        """Return the document's form."""
        return Statement(
            topic=self.topic,
            sentence=self.sentence,
            rank=int(self.rank),
            amount_bytes=self.amount_bytes,
            reclaimable=self.reclaimable,
            rests_on=list(self.rests_on),
        )


class Case:
    """One pod as far as it was explained, for those who contribute to its verdict."""

    def __init__(
        self,
        pod: Pod,
        apps: Sequence[tuple[Container, Facts]],
        facts: Facts,
        above: Sequence[Cgroup] = (),
    ) -> None:
        """Take the pod with compositions, ladders and findings, and without a verdict.

        `apps`: the app containers with their facts; `facts`: those of the pod's own cgroup; `above`: the
        cgroups above it, the nearest first.
        """
        self.pod = pod
        self.apps = apps
        self.above = above
        self._facts = facts
        self.scopes = [*((container.name, facts) for container, facts in apps), ("pod", facts)]
        """The facts of every app container by its name, and the pod's own."""
        self.composition = pod.composition
        """The working set of the app containers, taken apart."""
        self.whole_bytes = pod.composition.working_set_bytes if pod.composition else 0
        """The working set; 0 where it is not known."""
        self.least = max(MIB, round(SMALLEST_SHARE * self.whole_bytes))
        """Bytes from which on something is told: a share of the working set, and 1 MiB."""
        self.least_beside = max(self.least, round(SMALLEST_SHARE * facts.get("current", 0)))
        """The least of what stands beside the working set: a share of all that the pod is charged for."""
        self._of_cause: dict[str, list[Finding]] = {}
        for finding in pod.findings:
            self._of_cause.setdefault(finding.cause, []).append(finding)

    @property
    def causes(self) -> Collection[str]:
        """Return the causes of its findings."""
        return self._of_cause.keys()

    def of_cause(self, cause: str) -> list[Finding]:
        """Return the findings of that cause, whatever their scope."""
        return self._of_cause.get(cause, [])

    def total_of(self, cause: str) -> int:
        """Return the pod's amount of that cause, in bytes: the very one of its ladder, where that has it.

        What one container lends and another borrows is neither to the pod, and the pause container's
        processes are the pod's too: so the containers' amounts need not add up to it.
        """
        if cause not in _OF_PROCESSES or self.pod.cgroup is None:
            return self.sum_of(cause)
        try:
            amount = self._facts[_OF_PROCESSES[cause]]
        except MissingFactError:
            return self.sum_of(cause)
        return 0 if amount is None else abs(amount.interval.estimate)

    def sum_of(self, cause: str) -> int:
        """Return the amounts of that cause, added up over the containers, in bytes."""
        return sum([abs(each.estimate_bytes or 0) for each in self.of_cause(cause)])

    def named(self, finding: Finding) -> str:
        """Return the finding's sentence, with its container's name where the pod has several."""
        if finding.scope == "pod" or len(self.apps) < 2:
            return finding.sentence
        return f"{finding.scope}: {finding.sentence}"


def brief(sentence: str) -> str:
    """Return what a sentence says before its first semicolon: the finding beside the verdict has the rest."""
    return f"{sentence.partition('; ')[0].rstrip('.')}."


Contribute = Callable[[Case], Iterable[Said]]
