import pytest

from memcollect.errors import ClusterError, DeniedError
from memcollect.profile.plan.model import Selected
from memcollect.profile.sandboxes.selected import SelectedSource
from memcollect.profile.sandboxes.source import Sandbox, SandboxError
from memcollect.profile.tools import Tools
from memcollect.testing import PODS, Cluster, Fault, objects

LABELS = {"app": "sandbox"}


def source(most: int = 1, selector: str = "app=sandbox", container: str = "") -> SelectedSource:
    plan = Selected(namespace="team", selector=selector, most=most, container=container)
    return SelectedSource(plan)


@pytest.fixture(autouse=True)
def pods(state: Cluster) -> None:
    for name in ("c", "a", "b"):
        state.put(PODS, objects.pod("team", name, node="node-1", labels=LABELS))


def prepared(tools: Tools, most: int = 1) -> SelectedSource:
    made = source(most)
    made.prepare(tools)
    return made


def test_the_first_by_name_are_taken_as_many_as_the_plan_says(tools: Tools) -> None:
    assert prepared(tools, 2).names == ["a", "b"]
    assert prepared(tools, 9).names == ["a", "b", "c"]


def test_pods_that_do_not_run_or_are_on_their_way_out_are_not_taken(state: Cluster, tools: Tools) -> None:
    state.put(PODS, objects.pod("team", "a", labels=LABELS, phase="Pending"))
    leaving = objects.pod("team", "b", labels=LABELS)
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    state.put(PODS, leaving)
    state.put(PODS, objects.pod("team", "aa", labels={"app": "other"}))
    state.put(PODS, objects.pod("elsewhere", "a", labels=LABELS))
    assert prepared(tools, 9).names == ["c"]


def test_a_selector_that_nothing_matches_is_told_with_what_to_do(tools: Tools) -> None:
    with pytest.raises(SandboxError, match="No pod in team that runs matches app=nothing") as caught:
        source(selector="app=nothing").prepare(tools)
    assert "--show-labels" in caught.value.remedy


def test_a_list_that_is_denied_is_no_empty_list(state: Cluster, tools: Tools) -> None:
    state.access.deny("list", "pods", namespace="team")
    with pytest.raises(DeniedError):
        source().prepare(tools)


def test_a_key_stands_for_the_pod_whose_number_it_ends_with(tools: Tools) -> None:
    made = prepared(tools, 3)
    places = [made.place(f"mc-0123456789-ab12-{number}") for number in (1, 3)]
    assert [(each.namespace, each.pod, each.uid) for each in places] == [("team", "a", ""), ("team", "c", "")]


def test_the_container_of_the_plan_is_that_of_every_sandbox(tools: Tools) -> None:
    made = source(container="side")
    made.prepare(tools)
    assert made.place("mc-1").container == "side"


def test_looking_shows_the_pods_as_they_are_now(state: Cluster, tools: Tools) -> None:
    made = prepared(tools, 2)
    places = [made.place("x-1"), made.place("x-2")]
    state.remove(PODS, "b", "team")
    state.put(PODS, objects.pod("team", "a", uid="another", labels=LABELS))
    assert {name: pod.metadata.uid for name, pod in made.look(tools, places).items()} == {"a": "another"}
    state.fault(Fault("/api/v1/namespaces/team/pods", status=503, times=None))
    with pytest.raises(ClusterError):
        made.look(tools, places)


def test_nothing_is_ever_made_or_deleted(state: Cluster, tools: Tools) -> None:
    made = prepared(tools)
    sandbox = made.place("x-1")
    made.make(tools, sandbox)
    made.delete(tools, sandbox)
    assert (made.makes, made.left_behind(tools, [sandbox.key, "a"])) == (False, [])
    assert [each.fields["metadata.name"] for each in state.store.all(PODS)] == ["a", "b", "c"]
    assert {each.method for each in state.requests} == {"GET"}


def test_it_has_no_release_and_says_what_has(tools: Tools) -> None:
    made = source()
    sandbox = Sandbox(key="x-1", namespace="team", pod="a")
    assert not made.releases
    for way in (made.release, made.reuse):
        with pytest.raises(SandboxError, match="use a provisioner, or ask a person"):
            way(tools, sandbox)
