"""Two sides tell a pod's runtime, and must agree."""

import pytest

from memcollect.join import ClusterFacts, join_node
from memcollect.join.recognise import looks_like_sandbox, runtime_of_pod, runtime_on_node
from memcollect.kubernetes import objects as kube
from memcollect.kubernetes.usage import Metrics
from memcollect_agent import wire
from worlds.join_builders import MIB, Described, answer, measured, measured_pod, pause, pod

SENTRY = wire.Hint(
    kind="sentry",
    pid=7,
    program="runsc-sandbox",
    by="argv[0]",
    regions=[wire.Region(backing="memfd", name="runsc-memory", rss_bytes=40 * MIB)],
)
QEMU = wire.Hint(kind="vmm", pid=8, program="qemu-system-x86_64", by="exe")
SHIM = wire.Hint(kind="kata-shim", pid=9, program="containerd-shim-kata-v2", by="argv[0]")
FIRECRACKER = wire.Hint(kind="vmm", pid=8, program="firecracker", by="exe")


def scope(*hints: wire.Hint, role: str = "sandbox", id_: str = "s" * 64) -> wire.Container:
    return wire.Container(id=id_, role=role, cgroup=measured("s").cgroup, hints=list(hints))


def shown(*containers: wire.Container, **more: object) -> wire.Pod:
    return wire.Pod(uid="u", cgroup=measured("p").cgroup, containers=list(containers), **more)  # type: ignore[arg-type]


def labelled(labels: dict[str, str], *owners: kube.Owner) -> kube.Pod:
    return kube.Pod(metadata=kube.Metadata(name="p", labels=labels, owner_references=list(owners)))


def test_both_sides_agreeing_is_as_good_as_measured() -> None:
    runtime = runtime_of_pod(pod(runtime_class="gvisor"), "runsc", shown(scope(SENTRY)))
    assert (runtime.family, runtime.confidence, runtime.disagreement) == ("gvisor", "measured", "")
    assert runtime.evidence == [
        "RuntimeClass gvisor, handler runsc",
        "process 7 is runsc-sandbox (sentry, by its argv[0]), maps the memfd runsc-memory",
    ]


@pytest.mark.parametrize(
    ("runtime_class", "found", "words"),
    [
        (None, shown(scope(SENTRY)), "names no RuntimeClass, but its node shows gVisor"),
        ("gvisor", shown(scope(SHIM, QEMU)), "says gVisor, but its node shows Kata"),
        ("kata", shown(pause(), measured("a")), "says Kata, but no process of such a runtime"),
        ("gvisor", shown(pause(), measured("a")), "containers' processes run on the host's kernel"),
    ],
)
def test_a_contradiction_is_told_with_both_sides(
    runtime_class: str | None, found: wire.Pod, words: str
) -> None:
    runtime = runtime_of_pod(pod(runtime_class=runtime_class), None, found)
    assert words in runtime.disagreement
    assert runtime.confidence == "inferred"


def test_what_the_node_shows_is_believed_over_the_class() -> None:
    assert runtime_of_pod(pod(runtime_class="gvisor"), "x", shown(scope(SHIM))).family == "kata"


@pytest.mark.parametrize(
    ("found", "family"),
    [
        (shown(scope(SENTRY)), "gvisor"),
        (shown(own_hints=[SENTRY]), "gvisor"),
        (shown(scope(SHIM, FIRECRACKER)), "kata"),
        (shown(scope(FIRECRACKER)), "firecracker"),
        (shown(scope(QEMU)), "vm"),
        (shown(outside=[scope(SHIM, QEMU, role="overhead")]), "kata"),
        (shown(pause(), measured("a")), "unknown"),
    ],
)
def test_the_node_alone_tells_the_family_by_processes_wherever_they_are(found: wire.Pod, family: str) -> None:
    assert runtime_on_node(found).family == family


@pytest.mark.parametrize(
    ("labels", "owners", "platforms"),
    [
        ({"opensandbox.io/id": "x"}, (), ["opensandbox"]),
        ({"sandbox.opensandbox.io/pool-name": "x"}, (), ["opensandbox"]),
        ({"agents.x-k8s.io/sandbox-name-hash": "x"}, (), ["agent-sandbox"]),
        ({"app": "deer-flow-sandbox"}, (), ["deer-flow"]),
        ({}, (kube.Owner(api_version="agents.x-k8s.io/v1alpha1", kind="Sandbox"),), ["agent-sandbox"]),
        ({}, (kube.Owner(api_version="sandbox.opensandbox.io/v1alpha1", kind="Pool"),), ["opensandbox"]),
        ({"notopensandbox.io/id": "x", "app": "deer-flow"}, (), []),
        ({}, (kube.Owner(api_version="apps/v1", kind="ReplicaSet"),), []),
    ],
)
def test_a_platform_is_told_by_labels_and_owners(
    labels: dict[str, str], owners: tuple[kube.Owner, ...], platforms: list[str]
) -> None:
    runtime = runtime_of_pod(labelled(labels, *owners), None, None)
    assert runtime.platforms == platforms


def test_a_container_inside_a_virtual_machine_is_not_missing() -> None:
    found = wire.Pod(uid="u", cgroup=measured("p").cgroup, containers=[scope(SHIM, QEMU)])
    described = pod([Described("app", "a" * 64)], runtime_class="kata", uid="u")
    joined = join_node("n", [described], answer(found), ClusterFacts(metrics=Metrics()))
    assert joined.missing == []
    app, sandbox = joined.pods[0].containers
    assert (app.cgroup, app.sums) == (None, None)
    assert "inside the virtual machine" in app.inside
    assert (sandbox.name, sandbox.role) == ("sandbox", "sandbox")


@pytest.mark.parametrize(
    ("hints", "why"),
    [((SENTRY,), "gVisor made no cgroup"), ((SHIM, QEMU), "inside the virtual machine"), ((QEMU,), None)],
)
def test_nor_is_one_where_a_sandbox_is_the_nodes_default_runtime_but_where_a_workload_runs_a_machine(
    hints: tuple[wire.Hint, ...], why: str | None
) -> None:
    found = wire.Pod(uid="u", cgroup=measured("p").cgroup, containers=[scope(*hints)])
    described = pod([Described("app", "a" * 64)], uid="u")
    joined = join_node("n", [described], answer(found), ClusterFacts(metrics=Metrics()))
    assert [each.kind for each in joined.missing] == ([] if why else ["container"])
    assert why is None or why in joined.pods[0].containers[0].inside


def test_without_a_virtual_machine_it_is() -> None:
    described = pod([Described("app", "a" * 64)])
    joined = join_node("n", [described], answer(measured_pod(pause())), ClusterFacts(metrics=Metrics()))
    assert [each.kind for each in joined.missing] == ["container"]


def test_a_sandbox_without_a_pod_is_a_row_of_its_own() -> None:
    found = wire.Pod(
        kind="sandbox", uid="/e2b/x", name="x", cgroup=measured("p").cgroup, containers=[scope(FIRECRACKER)]
    )
    joined = join_node("n", [], answer(found), ClusterFacts(metrics=Metrics()))
    assert [(row.kind, row.name, row.node, row.runtime.family) for row in joined.pods] == [
        ("sandbox", "x", "n", "firecracker")
    ]


@pytest.mark.parametrize(
    ("described", "is_one"),
    [
        (pod([Described("app")], name="x", metadata=kube.Metadata(name="x")), False),
        (pod([Described("app")], metadata=kube.Metadata(name="x"), runtime_class="kata"), True),
        (pod([Described("app")], metadata=kube.Metadata(name="my-Sandbox-1")), True),
        (pod([Described("app"), Described("sandbox")], metadata=kube.Metadata(name="x")), True),
        (labelled({"tier": "web", "role": "code-sandbox"}), True),
        (labelled({"a.opensandbox.io/id": "1"}), True),
        (labelled({"tier": "web"}), False),
    ],
)
def test_a_sandbox_is_one_by_any_of_what_kubernetes_says_of_it(described: kube.Pod, *, is_one: bool) -> None:
    assert looks_like_sandbox(described) is is_one
