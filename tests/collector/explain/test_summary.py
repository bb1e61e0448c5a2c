import msgspec

from memcollect.documents.snapshot import Container, Pod, Top
from memcollect.explain import explain_pod
from memcollect.explain.summary import summarise
from memcollect_agent.wire import Cgroup
from worlds.builders import MIB, NODE, container, pause, pod


def explained(namespace: str, top: int | None = None) -> Pod:
    shown = Top(source="metrics.k8s.io", memory_bytes=top, status="reconciled") if top is not None else None
    return explain_pod(pod(container(), pause(), namespace=namespace, top=shown), NODE)


UNMEASURED = Pod(uid="u", name="pending", namespace="b")


def test_totals_are_the_sums_of_the_rows() -> None:
    summary = summarise([explained("a", 5), explained("b"), UNMEASURED], [])

    assert (summary.pods, summary.pods_measured, summary.containers) == (3, 2, 2)
    assert summary.working_set_bytes == 2 * 157 * MIB
    assert summary.terms["anon"] == 200 * MIB
    assert sum(summary.terms.values()) + (summary.residual_bytes or 0) == summary.working_set_bytes


def test_how_many_rows_kubectl_top_has_stands_beside_its_total() -> None:
    summary = summarise([explained("a", 5), explained("b")], [])

    assert (summary.top_bytes, summary.pods_in_top) == (5, 1)
    assert summary.statuses == {"reconciled": 1}


def test_a_total_over_nothing_measured_is_unknown() -> None:
    summary = summarise([UNMEASURED], [])

    assert (summary.working_set_bytes, summary.top_bytes, summary.residual_bytes) == (None, None, None)


def test_namespaces_and_nodes_have_their_own_totals() -> None:
    node = msgspec.structs.replace(NODE, meminfo={"MemAvailable": 9})
    summary = summarise([explained("b"), explained("a"), UNMEASURED], [node])

    assert [(each.name, each.pods, each.pods_measured) for each in summary.namespaces] == [
        ("a", 1, 1),
        ("b", 2, 1),
    ]
    assert [(each.name, each.pods, each.memory_available_bytes) for each in summary.nodes] == [
        ("node-1", 2, 9)
    ]


def test_a_pod_whose_containers_run_in_a_virtual_machine_is_measured_and_counted_apart() -> None:
    app = Container(name="aio", state="running", inside="it runs inside the virtual machine")
    guest = Pod(uid="u", name="vm", containers=[app], cgroup=Cgroup(path="/vm", current_bytes=300))
    lost = Pod(uid="v", name="lost", containers=[app])
    found = summarise([guest, lost], [])
    assert (found.pods, found.pods_measured, found.pods_in_guests) == (2, 0, 1)
