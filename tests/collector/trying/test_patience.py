"""What takes time to go is looked for again, with bounded patience; only what is there then is a fault."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event

import msgspec
import pytest

from memcollect.evidence.catalogue import ROWS, rows_named
from memcollect.evidence.checks import Row
from memcollect.evidence.demands import Fact
from memcollect.evidence.document import CheckResult
from memcollect.evidence.patience import PATIENCE_SECONDS
from memcollect.evidence.port import Facts
from memcollect.evidence.steps import Look
from memcollect.trying import performing
from memcollect.trying.performing import seconds_of
from memcollect.trying.settings import Settings
from memcollect.trying.trial import Trial
from worlds.evidence_backend import Backend, backend

GONE = {"pods": 0, "pods_ending": 0, "services": 0, "cgroups": 0, "processes": 0}
NO_AGENT = {"cgroups": "the agent of node n does not answer", "processes": "the agent of node n is gone"}


class Slow:
    """Sees what the backend's own witness sees, but of a deleted sandbox what it is told to, look by look."""

    def __init__(self, made: Backend, looks: Sequence[Facts]) -> None:
        self._made = made
        self._looks = list(looks)
        self.count = 0

    def left(self, keys: Sequence[str], seconds: float) -> Facts:
        if any(key in self._made.there for key in keys):
            return self._made.left(keys, seconds)
        look = self._looks[min(self.count, len(self._looks) - 1)]
        self.count += 1
        return look

    def processes(self, key: str, marker: str, seconds: float) -> Facts:
        return self._made.processes(key, marker, seconds)

    def memory(self, key: str, seconds: float) -> Facts:
        return self._made.memory(key, seconds)

    def operations(self, key: str, seconds: float) -> Facts:
        return self._made.operations(key, seconds)

    def pod_address(self, key: str) -> str:
        return self._made.pod_address(key)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(performing, "LOOK_PAUSE_SECONDS", 0.05)
    return iter([None])


def cleaned(
    tmp_path: Path, *looks: Facts, patience: float = 5.0
) -> tuple[dict[str, CheckResult], list[str], Slow]:
    said: list[str] = []
    with backend(tmp_path) as (made, performer):
        slow = Slow(made, looks)
        performer.witness, performer.say, performer.patience_seconds = slow, said.append, patience
        performer.settings = Settings()
        [row] = Trial(performer, lambda _sentence: None).run(rows_named(["Cleanup"]))
    return {check.name: check for check in row.checks}, said, slow


def holding(**more: int) -> Facts:
    return Facts(values={**GONE, **more})


def test_a_cgroup_that_goes_after_some_looks_is_gone_and_the_time_is_told(tmp_path: Path) -> None:
    checks, said, slow = cleaned(tmp_path, *[holding(cgroups=3)] * 3, holding())
    assert (checks["cgroups"].verdict, checks["cgroups"].observed) == (
        "as-expected",
        "cgroups: 0 (gone within 1 s)",
    )
    assert slow.count >= 4
    assert said[0] == "Cleanup: still there (cgroups: 3); looking again for 5 s at most"
    assert len(said) == 1


def test_a_cgroup_that_never_goes_is_a_fault_with_the_time_that_was_waited(tmp_path: Path) -> None:
    checks, _, _ = cleaned(tmp_path, holding(cgroups=3), patience=1.2)
    assert (checks["cgroups"].verdict, checks["cgroups"].observed) == (
        "fails",
        "cgroups of a deleted sandbox stay: cgroups: 3 (still there 2 s later)",
    )
    assert checks["processes"].observed == "processes: 0 (gone within 1 s)"


def test_each_part_has_its_own_time(tmp_path: Path) -> None:
    looks = [holding(cgroups=1, processes=2)] * 2 + [holding(cgroups=1)] * 30 + [holding()]
    checks, said, _ = cleaned(tmp_path, *looks)
    assert checks["processes"].observed == "processes: 0 (gone within 1 s)"
    assert checks["cgroups"].observed == "cgroups: 0 (gone within 2 s)"
    assert said == [
        "Cleanup: still there (cgroups: 1, processes: 2); looking again for 5 s at most",
        "Cleanup: still there (cgroups: 1); looking again for 5 s at most",
    ]


def test_an_agent_that_fails_meanwhile_leaves_it_untried_and_never_gone(tmp_path: Path) -> None:
    silent = Facts(values={"pods": 0, "services": 0}, absent=NO_AGENT)
    checks, _, slow = cleaned(tmp_path, holding(cgroups=3), silent, patience=0.4)
    assert (checks["cgroups"].verdict, checks["cgroups"].observed) == (
        "not-tried",
        "cgroups is not known: the agent of node n does not answer",
    )
    assert slow.count > 3, "it was asked again for all of the patience"


def test_an_agent_that_comes_back_is_believed(tmp_path: Path) -> None:
    silent = Facts(values={"pods": 0, "services": 0}, absent=NO_AGENT)
    checks, _, _ = cleaned(tmp_path, holding(cgroups=3), silent, silent, holding())
    assert checks["cgroups"].verdict == "as-expected"


def test_what_was_never_there_and_is_not_told_is_not_waited_for(tmp_path: Path) -> None:
    _, said, slow = cleaned(tmp_path, Facts(values={"pods": 0, "services": 0}, absent=NO_AGENT))
    assert said == []
    assert slow.count <= 2  # once for the row, once for `release`


def test_services_and_pods_are_waited_for_as_well(tmp_path: Path) -> None:
    checks, _, _ = cleaned(tmp_path, *[holding(services=1, pods=1, pods_ending=1)] * 3, holding())
    assert checks["services"].observed == "services: 0 (gone within 1 s)"
    assert checks["pods"].observed == "pods: 0 (gone within 1 s)"


def test_a_parked_pod_that_stays_is_not_waited_for_and_one_on_its_way_out_is(tmp_path: Path) -> None:
    with backend(tmp_path) as (_, performer):
        performer.patience_seconds = 5.0
        performer.begin({})
        performer.row = "Cleanup"
        look = Look(label="parked", about="left", until="settled")
        going = iter([holding(pods=2, pods_ending=1), holding(pods=1)])
        seen = performer._awaited(look, lambda: next(going), 60.0)  # its one step
    assert (seen.facts["pods"], next(going, None)) == (1, None)


def test_a_wait_that_the_rows_time_cuts_short_blames_nobody(tmp_path: Path) -> None:
    with backend(tmp_path) as (_, performer):
        performer.patience_seconds = 30.0
        look = Look(label="left", about="left", until="gone")
        with pytest.raises(performing.NotTriedError, match="the row's time was spent"):
            performer._awaited(look, lambda: holding(cgroups=1), 0.2)  # its one step


def test_ctrl_c_ends_the_wait(tmp_path: Path) -> None:
    stop = Event()
    with backend(tmp_path) as (_, performer):
        performer.patience_seconds = 30.0
        performer.stopped = stop.is_set
        look = Look(label="left", about="left", until="gone")

        def looked() -> Facts:
            stop.set()
            return holding(cgroups=1)

        with pytest.raises(performing.NotTriedError, match="Ctrl-C came"):
            performer._awaited(look, looked, 60.0)  # its one step


class Broken(Slow):
    def processes(self, key: str, marker: str, seconds: float) -> Facts:
        del key, marker, seconds
        raise RuntimeError("no")


def test_a_look_from_outside_that_fails_tells_nothing_of_the_backend(tmp_path: Path) -> None:
    with backend(tmp_path) as (made, performer):
        performer.witness = Broken(made, [])
        [row] = Trial(performer, lambda _sentence: None).run([_only("Commands", "after-the-limit")])
    assert (row.checks[0].verdict, row.checks[0].observed) == (
        "not-tried",
        "the look from outside failed: RuntimeError('no')",
    )


def _only(row: str, check: str) -> Row:
    found = next(each for each in ROWS if each.name == row)
    return msgspec.structs.replace(found, checks=tuple(c for c in found.checks if c.name == check))


def test_every_look_that_expects_nothing_left_is_patient_and_has_the_time_for_it() -> None:
    looks = [
        (row.name, check, step)
        for row in ROWS
        for check in row.checks
        for step in (*row.first, *check.steps)
        if isinstance(step, Look) and step.until
    ]
    assert looks
    assert all(seconds_of(step, check, Settings()) >= PATIENCE_SECONDS + 10 for _, check, step in looks)


def test_no_demand_that_nothing_is_left_is_held_against_a_single_look() -> None:
    held = set()
    for row in ROWS:
        for check in row.checks:
            steps = {step.label: step for step in (check.steps or row.first)}
            for demand in check.demands:
                step = steps.get(demand.of)
                if isinstance(demand, Fact) and demand.equals == 0 and not isinstance(demand.equals, bool):
                    assert isinstance(step, Look)
                    assert step.until == "gone", (row.name, check.name)
                    held.add(check.name)
    assert {"pods", "services", "cgroups", "processes", "idle", "restart", "after-the-limit"} <= held
