import pytest

from memcollect.documents.snapshot import Missing
from memcollect.errors import DeniedError, UsageError
from memcollect.sources.api import Api
from memcollect.sources.pods import FEW, Selection, list_pods
from memcollect.testing import PODS, Cluster, objects


@pytest.fixture(autouse=True)
def pods(state: Cluster) -> None:
    state.put(PODS, objects.pod("team", "web-1", node="n1", labels={"app": "web"}))
    state.put(PODS, objects.pod("team", "web-2", node="n2", labels={"app": "web"}))
    state.put(PODS, objects.pod("team", "db", node="n1", labels={"app": "db"}))
    state.put(PODS, objects.pod("other", "web-1", node="n2", labels={"app": "web"}))


def found(api: Api, told: list[Missing], selection: Selection) -> list[str]:
    return sorted(pod.qualified_name for pod in list_pods(api, selection, told.append))


def test_all_namespaces(api: Api, told: list[Missing]) -> None:
    assert found(api, told, Selection()) == ["other/web-1", "team/db", "team/web-1", "team/web-2"]


def test_one_namespace_and_several(api: Api, told: list[Missing]) -> None:
    assert found(api, told, Selection(namespaces=["other"])) == ["other/web-1"]
    assert len(found(api, told, Selection(namespaces=["other", "team", "team"]))) == 4


def test_a_label_selector_and_a_field_selector_narrow_both(api: Api, told: list[Missing]) -> None:
    selection = Selection(selector="app=web", field_selector="spec.nodeName=n2")
    assert found(api, told, selection) == ["other/web-1", "team/web-2"]


def test_a_few_names_are_asked_for_one_by_one(api: Api, state: Cluster, told: list[Missing]) -> None:
    assert found(api, told, Selection(namespaces=["team"], names=["db", "web-1"])) == [
        "team/db",
        "team/web-1",
    ]
    assert state.requests.paths() == [f"/api/v1/namespaces/team/pods/{name}" for name in ("db", "web-1")]


def test_many_names_are_picked_out_of_the_list(api: Api, state: Cluster, told: list[Missing]) -> None:
    names = ["db", *(f"absent-{number}" for number in range(FEW))]
    assert found(api, told, Selection(namespaces=["team"], names=names)) == ["team/db"]
    assert state.requests.paths() == ["/api/v1/namespaces/team/pods"]
    assert len(told) == FEW


def test_a_name_is_found_in_any_namespace(api: Api, told: list[Missing]) -> None:
    assert found(api, told, Selection(names=["web-1"])) == ["other/web-1", "team/web-1"]


def test_a_name_that_no_pod_has_is_reported(api: Api, told: list[Missing]) -> None:
    assert found(api, told, Selection(namespaces=["team"], names=["gone", "db"])) == ["team/db"]
    assert [(m.name, m.reason) for m in told] == [("gone", "not-found")]
    assert "kubectl get pods" in told[0].detail


def test_a_namespace_that_does_not_exist_is_empty(api: Api, told: list[Missing]) -> None:
    assert found(api, told, Selection(namespaces=["nowhere"])) == []


def test_a_denied_namespace_does_not_spoil_the_others(api: Api, state: Cluster, told: list[Missing]) -> None:
    state.access.deny("list", "pods", namespace="team")
    assert found(api, told, Selection(namespaces=["team", "other"])) == ["other/web-1"]
    assert [(m.kind, m.name, m.reason) for m in told] == [("namespace", "team", "denied")]


def test_where_nothing_may_be_listed_it_is_an_error(api: Api, state: Cluster, told: list[Missing]) -> None:
    state.access.deny("list", "pods")
    with pytest.raises(DeniedError, match="may not list pods in all namespaces"):
        found(api, told, Selection())


def test_a_namespace_that_cannot_be_is_refused_before_anything_is_asked(state: Cluster) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a namespace"):
        Selection(namespaces=["../../secrets"])
    assert len(state.requests) == 0


def test_a_name_with_its_namespace_is_asked_for_there_alone(
    api: Api, state: Cluster, told: list[Missing]
) -> None:
    state.put(PODS, objects.pod("team", "a"))
    state.put(PODS, objects.pod("other", "a"))
    state.put(PODS, objects.pod("other", "b"))
    selection = Selection(namespaces=["team"], names=["a", "other/b", "other/nobody"])
    assert found(api, told, selection) == ["other/b", "team/a"]
    assert [each.name for each in told] == ["other/nobody"]
    assert "/api/v1/namespaces/other/pods/a" not in state.requests.paths()


def test_names_with_namespaces_need_no_other_place() -> None:
    assert Selection(namespaces=["team"], names=["a/x", "b/y", "a/z"]).places == ["a", "b"]
    assert Selection(names=["a/x"]).by_name == [("a", "x")]
    assert Selection(names=["a/x", "y"]).places == [None]


def test_a_name_with_its_namespace_is_picked_out_of_a_list_too(
    api: Api, state: Cluster, told: list[Missing]
) -> None:
    for namespace in ("team", "other"):
        state.put(PODS, objects.pod(namespace, "a", labels={"app": "x"}))
    selection = Selection(namespaces=["team"], names=["other/a"], selector="app=x")
    assert found(api, told, selection) == ["other/a"]
    assert told == []
