"""Whether memory can go to swap: a limit holds for all below it, and zswap may be the end of the way."""

import msgspec
import pytest

from memcollect.accounting.scopes import container_facts
from memcollect.accounting.swap_room import swap_room
from memcollect.documents.snapshot import SwapRoom
from memcollect_agent.wire import Swap, Zswap
from worlds.builders import MIB, NODE, cgroup, container

SWAPPING = msgspec.structs.replace(NODE, swap_devices=1, meminfo={"SwapFree": 512 * MIB})


def room(*, own: Swap | None = None, own_zswap: Zswap | None = None, pod: Swap | None = None) -> SwapRoom:
    inner = container(cgroup=cgroup(swap=own or Swap(), zswap=own_zswap or Zswap()))
    return swap_room(container_facts(inner, SWAPPING, cgroup(swap=pod or Swap())))


def test_without_limits_there_is_room() -> None:
    assert room() == "usable"
    assert room(own=Swap(current_bytes=9 * MIB, max_bytes="max"), pod=Swap(max_bytes="max")) == "usable"


def test_what_the_pod_may_not_swap_its_containers_may_not() -> None:
    assert room(own=Swap(max_bytes="max"), pod=Swap(max_bytes=0)) == "forbidden"


def test_a_pods_swap_that_is_full_is_full_for_its_containers() -> None:
    full = Swap(current_bytes=300 * MIB, max_bytes=300 * MIB)

    assert room(own=Swap(current_bytes=100 * MIB, max_bytes="max"), pod=full) == "full"


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
