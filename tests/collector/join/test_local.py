from memcollect.documents.snapshot import Snapshot, Top
from memcollect.join.capture import Capture, missing_from_problem
from memcollect.join.local import LocalNames, local_snapshot
from memcollect_agent import wire

LONG_ID = "0123456789abcdef" * 4
CAPTURE = Capture(label="x", captured_at="2026-01-01T00:00:00Z", finished_at="2026-01-01T00:00:01Z")


def child(
    name: str | None, role: str = "container", path: str = "/pod/leaf-that-is-long.service"
) -> wire.Container:
    return wire.Container(id=name, role=role, cgroup=wire.Cgroup(path=path))


def joined(*pods: wire.Pod, names: LocalNames | None = None, top: dict[str, Top] | None = None) -> Snapshot:
    sample = wire.NodeSample(sampled_at=0, finished_at=1, node=wire.Node(name="n"), pods=list(pods))
    return local_snapshot(sample, names or LocalNames(), CAPTURE, top)


def a_pod(*containers: wire.Container, kind: str = "pod", name: str | None = None) -> wire.Pod:
    return wire.Pod(
        uid="u1", kind=kind, name=name, cgroup=wire.Cgroup(path="/pod"), containers=list(containers)
    )


def test_names_come_from_the_node_and_ids_are_cut_where_it_has_none() -> None:
    names = LocalNames(pods={"u1": ("ns", "web")}, containers={"known": "app"})
    (row,) = joined(a_pod(child("known"), child(LONG_ID), child("p", "pause")), names=names).pods

    assert (row.namespace, row.name, row.node) == ("ns", "web", "n")
    assert [each.name for each in row.containers] == ["app", "0123456789ab", "pause"]


def test_a_cgroup_without_an_id_keeps_its_whole_name() -> None:
    (row,) = joined(a_pod(child(None))).pods

    assert row.containers[0].name == "leaf-that-is-long.service"


def test_a_unit_without_children_is_its_own_container() -> None:
    (row,) = joined(a_pod(kind="service", name="ssh.service")).pods

    assert [each.name for each in row.containers] == ["ssh.service"]
    assert row.containers[0].cgroup == row.cgroup


def test_a_pod_without_children_has_no_containers() -> None:
    assert joined(a_pod()).pods[0].containers == []


def test_a_pod_is_in_top_only_with_all_of_its_app_containers() -> None:
    five = Top(source="demo", memory_bytes=5)
    both = a_pod(child("a"), child("b"), child("p", "pause"))

    complete = joined(both, top={"a": five, "b": five}).pods[0].top
    assert complete is not None
    assert complete.memory_bytes == 10
    assert joined(both, top={"a": five}).pods[0].top is None


def test_a_problem_of_the_agent_is_missing_with_its_remedy() -> None:
    problem = wire.Problem(kind="process", name="7", reason="denied", detail="refused")

    missing = missing_from_problem(problem, "n")
    assert (missing.kind, missing.name, missing.node, missing.reason) == ("process", "7", "n", "denied")
    assert missing.detail.startswith("refused; ")
