"""`memcollect snapshot --jobs`: several processes explain, and the document is the same."""

import re
import warnings
from pathlib import Path

import msgspec
import pytest

from memcollect.commands.run import run
from memcollect.documents.files import read_snapshot
from memcollect.documents.snapshot import Missing, Snapshot, Summary
from memcollect.explain.summary import Totals
from worlds.live_cluster import LiveCluster

SANDBOXES = ("-n", "deer-flow", "-n", "team-b")


@pytest.fixture
def included(monkeypatch: pytest.MonkeyPatch) -> list[Totals]:
    """The totals of nodes that other processes finished, as they are taken in."""
    found: list[Totals] = []
    include = Totals.include

    def noted(self: Totals, other: Totals) -> None:
        found.append(other)
        include(self, other)

    monkeypatch.setattr(Totals, "include", noted)
    return found


@pytest.mark.parametrize(
    ("where", "code", "nodes"),
    [
        ([*SANDBOXES], 0, 2),
        (["-A"], 3, 0),  # the agents' own pods have no cgroup here, of which the API is asked once more
    ],
)
def test_a_snapshot_says_the_same_with_any_number_of_jobs(  # noqa: PLR0913, PLR0917 -- two are pytest's
    live: LiveCluster, tmp_path: Path, included: list[Totals], where: list[str], code: int, nodes: int
) -> None:
    told = []
    for jobs in ("1", "2"):
        path = tmp_path / f"{jobs}.json"
        words = [
            "snapshot",
            *where,
            "--include-processes",
            "--jobs",
            jobs,
            "--format",
            "json",
            "-o",
            str(path),
        ]
        assert run([*words, *live.options()], "memcollect") == code
        told.append(_lasting(read_snapshot(str(path))))
    assert told[0][1].pods_measured > 2
    assert told[0] == told[1]
    assert len(included) == nodes


def test_processes_that_are_lost_are_told_and_nothing_else_is(
    live: LiveCluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("memcollect.taking.crew.may_fork", lambda: True)
    monkeypatch.setattr("memcollect.taking.crew._do", full)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside a thread, since Python 3.12
        assert run(["snapshot", *SANDBOXES, "--jobs", "2", *live.options()], "memcollect") == 0
    told = capsys.readouterr()
    assert told.err == (
        "memcollect: 2 of 2 explaining processes lost (2 out of memory): this one explained their nodes, and"
        " nothing is missing for it. Fewer --jobs take less memory.\n"
    )
    assert told.out.count("deer-flow/") > 0


@pytest.mark.parametrize(("jobs", "by"), [("1", "in this process alone"), ("2", "by 2 processes beside")])
def test_verbose_says_how_many_explained_and_what_may_be_used(
    live: LiveCluster, capsys: pytest.CaptureFixture[str], jobs: str, by: str
) -> None:
    assert run(["snapshot", *SANDBOXES, "--jobs", jobs, "-v", *live.options()], "memcollect") == 0
    told = capsys.readouterr().err
    assert told.startswith(f"memcollect: explained {by}")
    assert re.search(r"which may use [0-9]+ CPUs? and now [0-9.]+ [GM]iB of memory\.\n$", told)


def test_a_table_is_made_of_them_too(live: LiveCluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["snapshot", "-n", "deer-flow", "--jobs", "2", *live.options()], "memcollect") == 0
    with_two = capsys.readouterr().out
    assert run(["snapshot", "-n", "deer-flow", "--jobs", "1", *live.options()], "memcollect") == 0
    assert with_two.count("deer-flow/") == capsys.readouterr().out.count("deer-flow/") > 0


def _lasting(snapshot: Snapshot) -> tuple[list[object], Summary, list[object]]:
    """Return what of a recorded node's snapshot is the same from one moment to the next."""
    pods = sorted(snapshot.pods, key=lambda pod: pod.uid)
    parts: list[object] = [
        (pod.full_name, pod.composition, [each.services for each in pod.containers]) for pod in pods
    ]
    summary = msgspec.structs.replace(snapshot.summary, statuses={})
    return (
        parts,
        summary,
        [_by_name(snapshot.missing), sorted(node.name for node in snapshot.nodes), snapshot.scope],
    )


def _by_name(missing: list[Missing]) -> list[Missing]:
    # Nodes are told as they answer.
    return sorted(missing, key=lambda each: each.name)


def test_it_has_no_effect_on_this_machine_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["snapshot", "--local", "--jobs", "2"], "memcollect") == 2
    assert "--jobs has no effect with --local." in capsys.readouterr().err


def test_it_has_no_effect_where_whole_nodes_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["snapshot", "-A", "--nodes", "--jobs", "2"], "memcollect") == 2
    assert "--jobs has no effect with --nodes." in capsys.readouterr().err
