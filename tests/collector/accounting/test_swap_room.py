"""Whether memory can go to swap: a limit holds for all below it, and zswap may be the end of the way."""

import msgspec
import pytest

from memcollect.accounting.above import surroundings_of
from memcollect.accounting.scopes import container_facts, pod_facts
from memcollect.accounting.swap_room import swap_room
from memcollect.documents.snapshot import SwapRoom
from memcollect_agent.wire import Cgroup, Swap, Zswap
from worlds.builders import MIB, NODE, cgroup, container, pod

SWAPPING = msgspec.structs.replace(NODE, swap_devices=1, meminfo={"SwapFree": 512 * MIB})


def room(*, own: Swap | None = None, own_zswap: Zswap | None = None, above: Swap | None = None) -> SwapRoom:
    inner = container(cgroup=cgroup(swap=own or Swap(), zswap=own_zswap or Zswap()))
    outer = cgroup(path="/kubepods/pod1", swap=above or Swap())
    return swap_room(container_facts(inner, SWAPPING, [outer]))


def test_without_limits_there_is_room() -> None:
    assert room() == "usable"
    assert room(own=Swap(current_bytes=9 * MIB, max_bytes="max"), above=Swap(max_bytes="max")) == "usable"


def test_what_the_pod_may_not_swap_its_containers_may_not() -> None:
    assert room(own=Swap(max_bytes="max"), above=Swap(max_bytes=0)) == "forbidden"


def test_a_pods_swap_that_is_full_is_full_for_its_containers() -> None:
    full = Swap(current_bytes=300 * MIB, max_bytes=300 * MIB)

    assert room(own=Swap(current_bytes=100 * MIB, max_bytes="max"), above=full) == "full"


@pytest.mark.parametrize(
    ("above", "told"),
    [
        (Swap(current_bytes=0, max_bytes=0), "forbidden"),
        (Swap(current_bytes=64 * MIB, max_bytes=64 * MIB), "full"),
        (Swap(current_bytes=32 * MIB, max_bytes=64 * MIB), "usable"),
        (Swap(current_bytes=64 * MIB, max_bytes="max"), "usable"),
    ],
)
def test_a_swap_limit_above_the_pod_holds_for_the_pod_and_its_containers(above: Swap, told: SwapRoom) -> None:
    slice_ = Cgroup(path="/kubepods", swap=above)
    neighbour = Cgroup(path="/kubepods/pod", swap=Swap(max_bytes=0))
    node = msgspec.structs.replace(SWAPPING, ancestors=[slice_, neighbour])
    wide = cgroup(path="/kubepods/pod1", swap=Swap(current_bytes=64 * MIB, max_bytes=1024 * MIB))
    whole = pod(cgroup=wide)

    around, inner = surroundings_of(whole, node), whole.containers[0]
    assert swap_room(container_facts(inner, node, around.above_container(inner, whole))) == told
    assert swap_room(pod_facts(whole, node, around.above)) == told


@pytest.mark.parametrize(
    ("most", "used", "writeback", "told"),
    [
        (100 * MIB, 100 * MIB, 0, "full"),
        (100 * MIB, 100 * MIB, 1, "usable"),
        (100 * MIB, 50 * MIB, 0, "usable"),
        (0, 0, 0, "forbidden"),
        ("max", 50 * MIB, 0, "usable"),
    ],
)
def test_where_zswap_writes_nothing_on_its_own_limit_counts(
    most: int | str, used: int, writeback: int, told: str
) -> None:
    zswap = Zswap(current_bytes=used, max_bytes=most, writeback=writeback)  # type: ignore[arg-type]

    assert room(own_zswap=zswap) == told
