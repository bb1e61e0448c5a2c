"""The Python API does what its docstrings and docs/api.md say: both are run."""

import contextlib
import doctest
import io
import shutil
from pathlib import Path

import pytest

from memcollect import api
from memcollect.commands.run import run
from memcollect.documents.files import read_snapshot
from memcollect.explain import explain
from worlds.agent_trees import FIXTURES, recorded
from worlds.doc_blocks import blocks
from worlds.live_cluster import NODE_6, NODE_7, LiveCluster, agent_serving

SAMPLES = Path(__file__).parents[1] / "document_samples"
MACHINE = FIXTURES / "lab-kernel-6.1"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the examples' files are."""
    shutil.copy(SAMPLES / "snapshot-2.json", tmp_path / "snapshot.json")
    shutil.copy(SAMPLES / "compare-1.json", tmp_path / "compare.json")
    recording = str(tmp_path / "recording.tar.gz")
    assert run(["record", "--root", str(MACHINE), "-o", recording], "memcollect") == 0
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("place")
def test_the_examples_of_the_docstrings_hold() -> None:
    told = doctest.testmod(api, optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    assert told.attempted >= 8
    assert told.failed == 0


@pytest.mark.usefixtures("place")
def test_the_examples_of_the_page_print_what_it_shows() -> None:
    for block in blocks("api.md"):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(block.text, "api.md", "exec"), {})  # noqa: S102 -- our own page
        assert out.getvalue() == block.output


def test_a_machine_is_measured_as_the_command_does(place: Path) -> None:
    saved = place / "saved.json"
    arguments = ["--root", str(MACHINE), "--include-processes", "--format", "json", "-o", str(saved)]
    assert run(["snapshot", "--local", *arguments], "memcollect") == 0
    taken = api.take(api.Machine(root=MACHINE, processes=10))
    there = read_snapshot(str(saved))
    assert [(pod.uid, pod.verdict, pod.composition) for pod in taken.pods] == [
        (pod.uid, pod.verdict, pod.composition) for pod in there.pods
    ]
    assert [[each.services for each in pod.containers] for pod in taken.pods] == [
        [each.services for each in pod.containers] for pod in there.pods
    ]


def test_a_cluster_is_measured_as_the_command_does(tmp_path: Path) -> None:
    """Of two nodes one has no agent."""
    saved = tmp_path / "saved.json"
    with agent_serving(recorded("systemd-kernel-7.2")) as port, LiveCluster(tmp_path) as cluster:
        cluster.add_node(NODE_7, port)
        cluster.add_node(NODE_6, None)
        words = ["-A", *cluster.options(), "--include-processes", "--format", "json", "-o", str(saved)]
        assert run(["snapshot", *words], "memcollect") == 3
        taken = api.take(api.Cluster(kubeconfig=cluster.kubeconfig, processes=10), sample="now")
    there = api.load(saved)
    assert (taken.sample, taken.mode, taken.scope) == ("now", "cluster", there.scope)
    assert composed(taken) == composed(there)
    assert None in composed(taken).values()
    assert any(composed(taken).values())
    assert sorted(each.name for each in taken.missing) == sorted(each.name for each in there.missing)
    assert taken.missing
    assert taken.summary.pods_measured == there.summary.pods_measured > 0


def composed(snapshot: api.Snapshot) -> dict[str, object]:
    return {pod.full_name: pod.composition for pod in snapshot.pods}


def test_a_cluster_that_cannot_be_asked_is_told(tmp_path: Path) -> None:
    with pytest.raises(api.CollectorError, match="nowhere"):
        api.take(api.Cluster(kubeconfig=tmp_path / "nowhere"))
    with pytest.raises(api.CollectorError, match="pod"):
        api.take(api.Cluster(pods=["No Such Name"], kubeconfig=tmp_path / "nowhere"))


def test_a_snapshot_is_explained_as_the_command_does() -> None:
    stored = api.load(SAMPLES / "snapshot-2.json")
    assert api.explain(stored) == explain(stored)


def test_what_cannot_be_compared_is_told() -> None:
    one = api.load(SAMPLES / "snapshot-2.json")
    with pytest.raises(api.CollectorError, match="One snapshot alone cannot be compared"):
        api.compare([("aio", one)])
    with pytest.raises(api.CollectorError, match=r"No backend is called other\."):
        api.compare([("aio", one), ("cube", one)], baseline="other")


def test_all_that_is_promised_is_there() -> None:
    assert sorted(api.__all__) == sorted(name for name in api.__all__ if hasattr(api, name))
    assert {"take", "load", "explain", "compare"} <= set(api.__all__)
