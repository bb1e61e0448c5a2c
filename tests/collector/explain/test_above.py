"""Limits of the cgroups above a pod."""

import msgspec
import pytest

from memcollect.documents.snapshot import Pod
from memcollect.explain import explain_pod
from memcollect.explain.deserving import deserving
from memcollect_agent.wire import Cgroup, Limit, Node, Swap
from worlds.builders import MIB, NODE, cgroup, container, idle_cgroup, pod

PODS = "/kubepods"
GIB = 1024 * MIB


def above(path: str, limit: Limit, held: int, cache: int = 0) -> Cgroup:
    """Return a cgroup above the pod, which holds private memory and page cache."""
    stat = idle_cgroup(held + cache, anon=held, active_anon=held, file=cache, active_file=cache)
    return msgspec.structs.replace(stat, path=path, max_bytes=limit)


def told(*ancestors: Cgroup, **of_pod: object) -> Pod:
    return explain_pod(pod(**of_pod), msgspec.structs.replace(NODE, ancestors=list(ancestors)))


def causes(row: Pod) -> set[str]:
    return {each.cause for each in row.findings}


def test_a_limit_of_all_pods_that_is_nearly_used_up_is_told_of_each() -> None:
    row = told(above(PODS, 8 * GIB, 8 * GIB - 90 * MIB))

    assert (
        "A limit above it is nearly used up, that of all pods together (/kubepods, 8192 MiB): 8102 MiB cannot"
        " be dropped, and 90 MiB more, whoever takes it, ends in an OOM kill."
    ) in row.verdict
    assert "no memory limit" not in row.verdict


def test_it_makes_no_pod_of_the_node_urgent_for_all_of_them_have_it() -> None:
    """Those that were killed would be lost among them where only some are told in full."""
    assert deserving(told(above(PODS, 8 * GIB, 8 * GIB))).keys() == {"largest"}


def test_a_long_path_is_told_by_its_end() -> None:
    inner = above("/kubepods/burstable/podA/c", 2 * GIB, 2 * GIB)
    where = cgroup(path="/kubepods/burstable/podA/c/kubepods/pod1")

    row = told(inner, cgroup=where, containers=[container(cgroup=where)])

    assert (
        "A limit above it is used up, that of …/podA/c, 2048 MiB: 2048 MiB cannot be dropped" in row.verdict
    )


def test_a_limit_above_that_is_used_up_leaves_nothing_to_tell_of() -> None:
    assert "is used up" in told(above(PODS, 8 * GIB, 8 * GIB)).verdict


def test_page_cache_of_other_pods_makes_no_limit_near() -> None:
    """The limit of all pods is full of cache on every node that reads files for long."""
    assert "near_limit_above" not in causes(told(above(PODS, 8 * GIB, 4 * GIB, 4 * GIB)))


def test_of_several_limits_that_with_the_least_left_is_told() -> None:
    row = told(above("/", 9 * GIB, 8 * GIB + 950 * MIB), above(PODS, 8 * GIB, 8 * GIB - 20 * MIB))

    assert "20 MiB more, whoever takes it" in row.verdict


@pytest.mark.parametrize(
    "missing", [{"stat": None}, {"max_bytes": "max"}, {"path": "/other"}, {"max_bytes": 0}]
)
def test_a_limit_that_is_not_known_or_not_above_is_not_told(missing: dict[str, object]) -> None:
    full = above(PODS, 8 * GIB, 8 * GIB)
    row = told(msgspec.structs.replace(full, **missing))

    assert "near_limit_above" not in causes(row)
    assert "above it" not in row.verdict


def test_swap_comes_before_the_end() -> None:
    node = msgspec.structs.replace(
        NODE, ancestors=[above(PODS, 8 * GIB, 8 * GIB)], swap_devices=1, meminfo={"SwapFree": GIB}
    )

    assert "ends in swapping, and an OOM kill when swap is full." in explain_pod(pod(), node).verdict


def test_a_service_or_a_pod_inside_of_another_is_told_whose_limit_holds_for_it() -> None:
    inner = above("/kubepods/podA/c", 2 * GIB, 500 * MIB)
    where = cgroup(path="/kubepods/podA/c/kubepods/pod1")
    row = told(above(PODS, 8 * GIB, GIB), inner, cgroup=where, containers=[container(cgroup=where)])

    assert (
        "It has no memory limit of its own; …/podA/c above it has 2048 MiB, of which 500 MiB is charged."
        in row.verdict
    )


def test_the_limit_of_all_pods_is_no_news_while_it_is_far() -> None:
    assert "above it" not in told(above(PODS, 8 * GIB, GIB)).verdict


def test_an_agent_that_told_of_no_cgroup_above_leaves_it_open() -> None:
    assert "near_limit_above" not in causes(explain_pod(pod(), NODE))
    assert "near_limit_above" not in causes(explain_pod(pod(), Node(name="node-1")))


def test_where_swap_is_forbidden_above_no_swapping_is_promised() -> None:
    full = msgspec.structs.replace(above(PODS, 8 * GIB, 8 * GIB), swap=Swap(current_bytes=0, max_bytes=0))
    node = msgspec.structs.replace(NODE, ancestors=[full], swap_devices=1, meminfo={"SwapFree": GIB})

    assert "ends in an OOM kill." in explain_pod(pod(), node).verdict


SWAPPING = msgspec.structs.replace(NODE, swap_devices=1, meminfo={"SwapFree": GIB})


def swapped(path: str, most: Limit, used: int) -> Cgroup:
    return Cgroup(path=path, swap=Swap(current_bytes=used, max_bytes=most))


def swapping(*ancestors: Cgroup, node: Node = SWAPPING) -> Pod:
    return explain_pod(pod(), msgspec.structs.replace(node, ancestors=list(ancestors)))


def test_a_swap_limit_above_that_is_reached_is_told_with_whose_it_is() -> None:
    row = swapping(swapped(PODS, 64 * MIB, 64 * MIB), swapped("/other", 1, 1))

    assert (
        "A swap limit above it is reached, that of /kubepods: 64 MiB of 64 MiB is swapped out, by whomever,"
        " and nothing more of this pod can be."
    ) in row.verdict
    assert row.composition is not None
    assert row.composition.swap_room == "full"


@pytest.mark.parametrize(
    ("most", "used", "node"),
    [
        (64 * MIB, 60 * MIB, SWAPPING),
        (0, 0, SWAPPING),
        ("max", 64 * MIB, SWAPPING),
        (64 * MIB, 64 * MIB, NODE),
    ],
)
def test_one_with_room_one_that_forbids_or_a_node_without_swap_is_no_news(
    most: Limit, used: int, node: Node
) -> None:
    assert "swap_full_above" not in causes(swapping(swapped(PODS, most, used), node=node))


def test_of_several_swap_limits_that_are_reached_the_nearest_is_told() -> None:
    inner = cgroup(path="/kubepods/burstable/pod1")
    outer = [swapped(PODS, 64 * MIB, 64 * MIB), swapped("/kubepods/burstable", 8 * MIB, 8 * MIB)]
    row = explain_pod(pod(cgroup=inner), msgspec.structs.replace(SWAPPING, ancestors=outer))

    (finding,) = [each for each in row.findings if each.cause == "swap_full_above"]
    assert "that of /kubepods/burstable: 8 MiB" in finding.sentence
