import pytest

from memcollect.doctor.checks import rights
from memcollect.doctor.facts import ClusterFacts, Question, Reached
from memcollect.kubernetes.objects import ServerVersion
from memcollect.sources.access import Access
from memcollect.sources.rights import Right, needed_rights


def facts(*denied: str, minor: str = "36", namespaces: tuple[str, ...] = ("a", "b")) -> ClusterFacts:
    version = ServerVersion(major="1", minor=minor)
    needed = needed_rights(namespaces, "memcollect")
    return ClusterFacts(
        question=Question(namespaces=namespaces),
        reached=Reached(version=version, seconds=0.01),
        rights=[Access(right, str(right) not in denied) for right in needed],
    )


def test_every_needed_right_is_judged_by_exactly_one_check() -> None:
    judges = (
        rights.pods,
        rights.metrics,
        rights.nodes,
        rights.runtime_classes,
        rights.agents,
        rights.forwards,
    )
    judged = [item.name for judge in judges for item in judge(facts()).items]
    assert sorted(judged) == sorted(map(str, needed_rights(("a", "b"), "memcollect")))


def test_verbs_on_one_resource_are_told_together() -> None:
    assert rights.pods(facts()).sentence == (
        "You may get and list pods in namespace a, get and list pods in namespace b."
    )
    lacking = rights.pods(facts("list pods in namespace b"))
    assert lacking.sentence == "You may not list pods in namespace b."
    assert lacking.commands == ["kubectl auth can-i list pods -n b"]


@pytest.mark.parametrize(("minor", "status"), [("34", "warn"), ("34+", "warn"), ("35", "fail"), ("", "fail")])
def test_create_of_forwards_is_needed_from_1_35_on_and_where_the_version_is_not_known(
    minor: str, status: str
) -> None:
    assert (
        rights.forwards(facts("create pods/portforward in namespace memcollect", minor=minor)).status
        == status
    )
    assert (
        rights.forwards(facts("get pods/portforward in namespace memcollect", minor=minor)).status == "fail"
    )


def test_many_lacking_rights_are_counted() -> None:
    namespaces = tuple("abcdef")
    denied = [f"list pods in namespace {name}" for name in namespaces]
    finding = rights.pods(facts(*denied, namespaces=namespaces))
    assert finding.sentence.endswith("list pods in namespace c and 3 more.")
    assert len(finding.commands) == 3
    assert sum(item.status == "fail" for item in finding.items) == 6


def test_told_keeps_the_order_of_the_rights() -> None:
    assert rights.told([Right("get", "nodes"), Right("list", "nodes")]) == "get and list nodes of the cluster"
