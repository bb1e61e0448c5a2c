"""Pods that should be gone and hold memory."""

from typing import Any

import msgspec
import pytest

from memcollect.documents.snapshot import Container, Deletion, Finding, Pod
from memcollect.explain import explain_pod
from memcollect.explain.overdue import find_overdue
from memcollect.explain.reduced import reduced
from memcollect.reporters.words import pod_facts
from memcollect_agent.wire import Cgroup, Process, ProcessSums
from worlds.builders import NODE, cgroup, container, pause, pod

DUE = "2026-01-01T12:00:00Z"
DUE_AT = 1767268800.0


def row(*containers: Container, late: float = 7200.0, charge: int | None = None, **deletion: Any) -> Pod:
    whole = pod(*(containers or (container(), pause())), phase="Running", namespace="team")
    own = whole.cgroup or Cgroup(path="")
    own = msgspec.structs.replace(
        own, read_at=DUE_AT + late, current_bytes=own.current_bytes if charge is None else charge
    )
    said = Deletion(**{"due": DUE, "grace_seconds": 30, **deletion})
    return msgspec.structs.replace(whole, cgroup=own, deletion=said)


def only(whole: Pod) -> Finding:
    (finding,) = find_overdue(whole)
    return finding


def test_a_pod_long_past_its_grace_is_told_with_age_grace_and_amount() -> None:
    whole = row()
    finding = only(whole)

    assert finding.sentence == (
        "It should be gone: its grace of 30 s was over 2 h ago, and 177 MiB is still charged to it, and app"
        " still runs."
    )
    assert "`kubectl describe pod -n team sandbox-1`" in finding.remedy
    assert "its memory stays" in finding.remedy
    assert explain_pod(whole, NODE).verdict.startswith(finding.sentence)


@pytest.mark.parametrize("late", [-30.0, 0.0, 59.0])
def test_a_pod_that_ends_within_its_grace_or_right_after_it_is_no_news(late: float) -> None:
    explained = explain_pod(row(late=late), NODE)

    assert list(find_overdue(row(late=late))) == []
    assert "Running" in pod_facts(explained)


def test_a_minute_after_its_grace_it_is_late() -> None:
    assert "was over 60 s ago" in only(row(late=60.0)).sentence


def test_a_pod_that_nobody_deleted_or_that_holds_nothing_is_no_news() -> None:
    assert list(find_overdue(msgspec.structs.replace(row(), deletion=None))) == []
    assert list(find_overdue(msgspec.structs.replace(row(), cgroup=None))) == []
    assert list(find_overdue(row(charge=(1 << 20) - 1))) == []
    assert list(find_overdue(row(due="soon"))) == []


def test_a_process_that_waits_in_the_kernel_is_named() -> None:
    stuck = container(processes=[Process(pid=301, ppid=1, start_time=1.0, state="D", comm="python3")])

    assert "and its process 301 (python3) waits in the kernel (state D)." in only(row(stuck)).sentence


def test_several_that_run_are_named() -> None:
    assert only(row(container(), container("side"))).sentence.endswith("and app and side still run.")


def test_where_nothing_runs_the_volumes_are_looked_at() -> None:
    dead = container(sums=ProcessSums(listed=1, zombies=1))
    gone = Container(name="side", state="terminated")
    finding = only(row(dead, gone, pause()))

    assert finding.sentence.endswith("still charged to it.")
    assert "volume that is not unmounted" in finding.remedy


def test_finalizers_are_named_and_not_blamed_for_memory() -> None:
    remedy = only(row(finalizers=["example.com/keep"])).remedy

    assert remedy.endswith("Its finalizers (example.com/keep) keep it in the API; they hold no memory.")


def test_without_a_known_grace_none_is_told() -> None:
    assert only(row(grace_seconds=None)).sentence.startswith("It should be gone: its grace was over 2 h ago")


def test_its_status_is_kubectls_also_in_a_summary() -> None:
    explained = explain_pod(row(), NODE)

    assert "Terminating" in pod_facts(explained)
    assert "Running" not in pod_facts(explained)
    assert "Terminating" in pod_facts(reduced(explained))


def test_the_nodes_clock_tells_how_late_it_is() -> None:
    whole = row()
    blind = msgspec.structs.replace(whole, cgroup=cgroup(path="/kubepods/pod1"))

    assert list(find_overdue(blind)) == []
