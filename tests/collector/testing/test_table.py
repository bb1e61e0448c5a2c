import datetime as dt
import json
from pathlib import Path

import pytest

from memcollect.testing import DAEMONSETS, EVENTS, NODES, PODS, RUNTIME_CLASSES, SERVICES, objects, table

# The moment at which the recorded table was asked for.
RECORDED_AT = dt.datetime(2026, 11, 22, 20, 24, 49, tzinfo=dt.UTC)
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


def test_rows_of_pods_are_the_recorded_ones(api_recordings: Path) -> None:
    recorded = json.loads((api_recordings / "pods-as-table.json").read_bytes())
    # The first two of the rows are of the pods in this list, read in the same second.
    pods = json.loads((api_recordings / "pods-limit-2-with-continue.json").read_bytes())["items"]
    made = table.render(PODS, recorded["metadata"], pods, RECORDED_AT, "Metadata")
    assert made["rows"] == recorded["rows"][:2]
    for key in ("kind", "apiVersion", "metadata"):
        assert made[key] == recorded[key]
    shape = ("name", "type", "format", "priority")
    assert [{k: c[k] for k in shape} for c in made["columnDefinitions"]] == [
        {k: c[k] for k in shape} for c in recorded["columnDefinitions"]
    ]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (TABLE, True),
        ("application/json;as=Table;g=meta.k8s.io;v=v1", True),
        ("application/json;as=Table;v=v1beta1;g=meta.k8s.io", False),
        ("application/json", False),
        ("application/json," + TABLE, False),
        ("", False),
    ],
)
def test_a_table_is_made_only_for_who_prefers_one(accept: str, *, expected: bool) -> None:
    assert table.wanted(accept) is expected


def test_a_row_carries_as_much_of_the_object_as_was_asked() -> None:
    pod = objects.pod("team", "a")
    rows = [
        table.render(PODS, {}, [pod], RECORDED_AT, include)["rows"][0]["object"]
        for include in ("None", "Metadata", "Object")
    ]
    assert rows[0] is None
    assert set(rows[1]) == {"kind", "apiVersion", "metadata"}
    assert rows[2]["spec"] == pod["spec"]


def test_nodes_daemon_sets_and_runtime_classes_have_columns_of_their_own() -> None:
    node = objects.node("n")
    node["spec"]["unschedulable"] = True
    node["metadata"]["labels"]["node-role.kubernetes.io/control-plane"] = ""
    cells = {
        resource: table.render(resource, {}, [made], RECORDED_AT, "None")["rows"][0]["cells"]
        for resource, made in (
            (NODES, node),
            (DAEMONSETS, objects.daemon_set("team", "agent", desired=3, ready=2)),
            (RUNTIME_CLASSES, objects.runtime_class("gvisor", "runsc")),
        )
    }
    assert cells[NODES][:5] == ["n", "Ready,SchedulingDisabled", "control-plane", "325d", "v1.36.2"]
    assert cells[DAEMONSETS][:8] == ["agent", 3, 3, 2, 3, 2, "<none>", "325d"]
    assert cells[RUNTIME_CLASSES] == ["gvisor", "runsc", "325d"]


def test_services_have_the_columns_of_kubectl_and_the_selector_only_when_wide() -> None:
    made = objects.service("team", "web", cluster_ip="10.96.0.20", selector={"b": "2", "a": "1"})
    rendered = table.render(SERVICES, {}, [made], RECORDED_AT, "None")
    shown = [column["name"] for column in rendered["columnDefinitions"] if not column["priority"]]
    assert shown == ["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age"]
    assert rendered["columnDefinitions"][-1]["name"] == "Selector"
    assert rendered["rows"][0]["cells"] == [
        *("web", "ClusterIP", "10.96.0.20", "<none>", "80/TCP", "325d", "a=1,b=2")
    ]


def test_events_have_the_columns_of_kubectl() -> None:
    pod = {**objects.pod("team", "web"), "kind": "Pod"}
    event = objects.event(pod, "Pulled", "Container image already present\n", "2026-01-01T00:00:00Z")
    now = dt.datetime(2026, 1, 1, 0, 2, tzinfo=dt.UTC)
    rendered = table.render(EVENTS, {}, [event], now, "None")
    assert [column["name"] for column in rendered["columnDefinitions"]] == [
        *("Last Seen", "Type", "Reason", "Object", "Message")
    ]
    assert rendered["rows"][0]["cells"] == [
        *("2m", "Normal", "Pulled", "pod/web", "Container image already present")
    ]
