"""A folder followed while it is served: what changes there changes in the cluster, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from memcollect.testing import PODS, Cluster, objects
from memcollect.testing.access import Attributes
from memcollect.testing.following import Follower, forwarding


def write(path: Path, document: Any) -> None:
    part = path.with_suffix(".part")
    part.write_text(document if isinstance(document, str) else json.dumps(document))
    part.rename(path)


def names(cluster: Cluster) -> list[str]:
    return [each.fields["metadata.name"] for each in cluster.store.all(PODS)]


def served(cluster: Cluster) -> bool:
    return cluster.metrics


def pods(*names: str) -> dict[str, Any]:
    return {"items": [objects.pod("team", name) for name in names]}


def test_objects_come_and_go_with_their_file(tmp_path: Path) -> None:
    cluster = Cluster()
    follower = Follower(cluster, tmp_path)
    follower.refresh()
    assert names(cluster) == []
    write(tmp_path / "pods.json", pods("a", "b"))
    follower.refresh()
    assert names(cluster) == ["a", "b"]
    write(tmp_path / "pods.json", pods("b", "c"))
    follower.refresh()
    assert names(cluster) == ["b", "c"]


def test_what_came_from_elsewhere_stays(tmp_path: Path) -> None:
    cluster = Cluster()
    cluster.put(PODS, objects.pod("team", "own"))
    follower = Follower(cluster, tmp_path)
    for content in (pods("a"), pods()):
        write(tmp_path / "pods.json", content)
        follower.refresh()
    assert names(cluster) == ["own"]


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    cluster = Cluster()
    write(tmp_path / "pods.json", pods("a"))
    follower = Follower(cluster, tmp_path)
    follower.refresh()
    revision = cluster.store.revision
    follower.refresh()
    assert cluster.store.revision == revision


@pytest.mark.parametrize("broken", ["{", '{"items": 3}', '{"items": [{}]}', "[]"])
def test_a_broken_file_leaves_what_was_and_is_told_of_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    cluster = Cluster()
    write(tmp_path / "pods.json", pods("a"))
    follower = Follower(cluster, tmp_path)
    follower.refresh()
    write(tmp_path / "pods.json", broken)
    follower.refresh()
    follower.refresh()
    assert names(cluster) == ["a"]
    assert capsys.readouterr().err.count("pods.json is left as it was") == 1


def test_settings_say_metrics_rights_and_forwards_and_replace_each_other(tmp_path: Path) -> None:
    cluster = Cluster()
    cluster.access.tokens.update(somebodys="somebody")
    follower = Follower(cluster, tmp_path)
    listing = Attributes("list", "", "nodes")
    write(
        tmp_path / "settings.json",
        {
            "metrics": False,
            "denied": [{"verb": "list", "resource": "nodes", "reason": "not today"}],
            "forwards": ["memcollect/agent:7070=127.0.0.1:9"],
        },
    )
    follower.refresh()
    assert served(cluster) is False
    assert cluster.access.decide(listing).reason == "not today"
    assert cluster.backend("memcollect", "agent", 7070) == ("127.0.0.1", 9)
    write(tmp_path / "settings.json", {})
    follower.refresh()
    assert served(cluster) is True
    assert cluster.access.decide(listing).allowed
    assert cluster.access.tokens == {"somebodys": "somebody"}
    assert cluster.backend("memcollect", "agent", 7070) is None


@pytest.mark.parametrize("broken", ['{"metric": false}', '{"forwards": ["x"]}'])
def test_settings_that_mean_nothing_change_nothing(tmp_path: Path, broken: str) -> None:
    cluster = Cluster()
    cluster.forward("team", "a", 1, ("127.0.0.1", 9))
    write(tmp_path / "settings.json", broken)
    Follower(cluster, tmp_path).refresh()
    assert cluster.backend("team", "a", 1) is not None


def test_a_forward_is_read_from_the_right() -> None:
    assert forwarding("team/a:8080=127.0.0.1:9") == ("team", "a", 8080, ("127.0.0.1", 9))


@pytest.mark.parametrize("text", ["", "team/a=h:1", "a:1=h:1", "team/a:x=h:1", "team/a:1=h"])
def test_a_forward_that_names_nothing_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="NAMESPACE/POD:PORT"):
        forwarding(text)
