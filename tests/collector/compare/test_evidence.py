from typing import Any

import msgspec
import pytest

from memcollect.compare.cells import Group, group
from memcollect.compare.evidence import side_facts
from memcollect.compare.facts import Fact, Unknown
from memcollect.compare.inputs import observations
from memcollect.documents.snapshot import Missing, Pod, Top
from memcollect_agent.wire import Swap
from worlds import compare_builders as build
from worlds.compare_builders import MIB, NODE


def _group(*pods: Pod, node_changes: dict[str, Any] | None = None, **more: Any) -> Group:
    node = msgspec.structs.replace(NODE, **(node_changes or {}))
    document = build.document(build.snapshot(*pods, node=node, **more), "a.json")
    (found,) = group(("aio", each) for each in observations(document)).values()
    return found


def _fact(name: str, *pods: Pod, **more: Any) -> Fact:
    return side_facts(_group(*(pods or (build.pod(MIB),)), **more), [], [])[name]


def test_what_is_recorded_is_a_set_of_values() -> None:
    assert _fact("kernel") == {"6.1.0"}
    assert _fact("thp") == {"madvise"}
    assert _fact("swap") == {"off"}
    assert _fact("driver") == {"systemd"}
    assert _fact("provider") == {"host-cgroup"}
    assert _fact("image") == {(("aio", "sha256:aa"),)}
    assert _fact("limits") == {(("aio", ("memory", "1Gi")),)}


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("architecture", "architecture"),
        ("kernel", "kernel"),
        ("thp", "transparent_hugepage"),
        ("swap", "swap_devices"),
        ("page_size", "page_size_bytes"),
        ("cpus", "cpus"),
    ],
)
def test_what_the_node_did_not_tell_is_unknown(name: str, attribute: str) -> None:
    assert isinstance(_fact(name, node_changes={attribute: None}), Unknown)


def test_a_kernel_without_huge_pages_is_a_known_setting() -> None:
    absent = {"transparent_hugepage": "there is no /sys/kernel/mm/transparent_hugepage/enabled"}
    without = {"transparent_hugepage": None, "absent": absent}
    assert _fact("thp", node_changes=without) == {"none in this kernel"}
    assert isinstance(_fact("thp", node_changes={**without, "cpus": None}), Unknown)


@pytest.mark.parametrize(("name", "field"), [("ageing", "lru_gen"), ("merging", "ksm_run")])
def test_a_kernel_without_such_a_switch_is_known_to_be_without(name: str, field: str) -> None:
    without: dict[str, Any] = {field: None, "absent": {field: f"there is no /sys/kernel/mm/{field}"}}
    assert _fact(name, node_changes=without) == {"none in this kernel"}
    assert isinstance(_fact(name, node_changes={field: None}), Unknown)


@pytest.mark.parametrize(("run", "merges"), [(0, "off"), (1, "on"), (2, "off")])
def test_equal_pages_are_merged_only_while_ksm_runs(run: int, merges: str) -> None:
    assert _fact("merging", node_changes={"ksm_run": run}) == {merges}


@pytest.mark.parametrize(
    ("zswap", "swap"), [(True, {"on, with zswap"}), (False, {"on"}), (None, Unknown("the node did not tell"))]
)
def test_swap_is_told_with_what_zswap_keeps_in_memory(zswap: bool | None, swap: Fact) -> None:  # noqa: FBT001 (a setting)
    assert _fact("swap", node_changes={"swap_devices": 1, "zswap_enabled": zswap}) == swap
    assert _fact("swap", node_changes={"swap_devices": 0, "zswap_enabled": zswap}) == {"off"}


def test_a_pod_whose_node_is_not_described_leaves_its_facts_unknown() -> None:
    assert isinstance(_fact("kernel", build.pod(MIB), build.pod(MIB, "b", node="elsewhere")), Unknown)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("driver", {"driver": None}),
        ("image", {"image": None}),
        ("image", {"image": ""}),
    ],
)
def test_what_one_pod_does_not_say_is_unknown_of_all(name: str, more: dict[str, Any]) -> None:
    assert isinstance(_fact(name, build.pod(MIB), build.pod(MIB, "b", **more)), Unknown)


@pytest.mark.parametrize("top", [None, Top(source="metrics.k8s.io", status="no-metrics")])
def test_who_feeds_kubectl_top_is_known_where_it_showed_a_pod_of_the_backend(top: Top | None) -> None:
    young = _group(build.pod(MIB, top=top))
    assert isinstance(side_facts(young, [], [])["provider"], Unknown)
    assert side_facts(young, [], [], frozenset({"kata-guest"}))["provider"] == {"kata-guest"}
    old = _group(build.pod(MIB))
    assert side_facts(old, [], [], frozenset({"kata-guest"}))["provider"] == {"host-cgroup"}


def test_two_images_of_one_container_are_two_values() -> None:
    assert len(_fact("image", build.pod(MIB), build.pod(MIB, "b", image="sha256:bb"))) == 2


def test_a_snapshot_of_one_machine_knows_no_requests_and_no_limits() -> None:
    assert isinstance(_fact("requests", mode="local"), Unknown)
    assert isinstance(_fact("limits", mode="local"), Unknown)


def test_no_limit_at_all_is_a_known_value() -> None:
    assert _fact("limits", build.pod(MIB, limits={})) == {(("aio",),)}


def test_what_was_not_measured_is_missing_once() -> None:
    pending = Pod(uid="u", name="late", namespace="deer-flow", unmeasured="it is pending")
    gone = Missing(kind="pod", name="deer-flow/late", reason="pending", detail="wait")
    assert _fact("missing", build.pod(MIB), pending) == ("pod late (it is pending)",)
    assert _fact("missing", build.pod(MIB), pending, missing=[gone]) == ()  # it is among the gaps


def test_the_residual_is_the_largest_of_any_pod() -> None:
    pod = build.pod(10 * MIB)
    (container,) = pod.containers
    assert container.cgroup is not None
    more = msgspec.structs.replace(container.cgroup, current_bytes=7 * MIB)
    odd = msgspec.structs.replace(
        pod, name="odd", uid="odd", containers=[msgspec.structs.replace(container, cgroup=more)]
    )
    assert _fact("residual", pod, odd) == 3 * MIB


@pytest.mark.parametrize(
    ("swap", "devices", "hugetlb", "options", "found"),
    [
        (None, 0, None, [], 0),
        (None, 1, None, [], Unknown("the kernel does not tell what of a pod is swapped out")),
        (3 * MIB, 1, None, [], 3 * MIB),
        (3 * MIB, 1, {"2MB": 4 * MIB}, [], 7 * MIB),
        (0, 1, {"2MB": 4 * MIB}, ["memory_hugetlb_accounting"], 0),
    ],
)
def test_what_no_charge_counts_is_what_is_swapped_out_and_huge_pages_that_are_not_accounted(
    swap: int | None, devices: int, hugetlb: dict[str, int] | None, options: list[str], found: Fact
) -> None:
    pod = build.pod(MIB)
    assert pod.cgroup is not None
    cgroup = msgspec.structs.replace(pod.cgroup, swap=Swap(current_bytes=swap), hugetlb=hugetlb)
    changed = {"swap_devices": devices, "cgroup_mount_options": options}
    held = msgspec.structs.replace(pod, cgroup=cgroup)
    assert _fact("elsewhere", held, node_changes=changed) == found


def test_a_container_that_lost_a_process_to_the_oom_killer_is_named_with_what_befell_it() -> None:
    pod = build.pod(MIB)
    (container,) = pod.containers
    assert container.cgroup is not None
    cgroup = msgspec.structs.replace(container.cgroup, events={"oom_kill": 1})
    killed = msgspec.structs.replace(container, cgroup=cgroup)
    assert _fact("killed", pod) == frozenset()
    assert _fact("killed", msgspec.structs.replace(pod, containers=[killed])) == {
        "aio lost a process to the OOM killer"
    }
