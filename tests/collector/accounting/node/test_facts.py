"""What is known of a node, where kernels and reads differ."""

import msgspec
import pytest

from memcollect.accounting.node.facts import NodeFacts, node_facts
from memcollect.documents.snapshot import NodeAccount, Top
from worlds.node_builders import HUGE, MIB, NODE, Made


def with_meminfo(made: Made, without: tuple[str, ...] = (), **again: int) -> NodeFacts:
    account = made.account()
    first = {name: size for name, size in made.meminfo().items() if name not in without}
    second = {name: first[name] + more for name, more in again.items()}
    tree = msgspec.structs.replace(account.tree, meminfo=first, meminfo_again=first | second)
    return node_facts(msgspec.structs.replace(account, tree=tree), NODE)


@pytest.mark.parametrize(
    ("without", "pool"),
    [
        ((), 64 * MIB),
        (("Hugetlb",), 64 * MIB // HUGE * HUGE),
        (("Hugetlb", "HugePages_Total", "Hugepagesize"), 0),
    ],
)
def test_the_hugetlb_pool_is_known_of_kernels_without_its_line(without: tuple[str, ...], pool: int) -> None:
    assert with_meminfo(Made(hugetlb=64 * MIB), without)["hugetlb"] == pool


def test_what_moved_is_the_largest_move_in_either_direction() -> None:
    assert with_meminfo(Made(), MemFree=-3 * MIB, Active=2 * MIB)["moved"] == 3 * MIB
    assert with_meminfo(Made(), MemFree=MIB, Inactive=-5 * MIB)["moved"] == 5 * MIB
    assert with_meminfo(Made())["moved"] == 0


def test_meminfo_that_was_read_once_tells_of_no_move() -> None:
    account = Made().account()
    tree = msgspec.structs.replace(account.tree, meminfo_again=None)
    assert node_facts(msgspec.structs.replace(account, tree=tree), NODE)["moved"] == 0


def test_kubectl_tops_number_is_cut_as_it_is_shown_and_kept_as_it_came() -> None:
    top = Top(
        source="metrics.k8s.io",
        memory_bytes=5 * MIB + 17,
        working_set_at_sample_bytes=6 * MIB,
        tolerance_bytes=3 * MIB,
    )
    facts = node_facts(Made().account(top=top), NODE)

    assert (facts["top"], facts["top_raw"]) == (5 * MIB, 5 * MIB + 17)
    assert (facts["working_set_at_sample"], facts["top_tolerance"]) == (6 * MIB, 3 * MIB)


def unread(account: NodeAccount, **tree: object) -> NodeFacts:
    changed = msgspec.structs.replace(account.tree, **tree)
    return node_facts(msgspec.structs.replace(account, tree=changed), NODE)


@pytest.mark.parametrize(
    ("facts", "name", "reason"),
    [
        (unread(Made().account()), "meminfo.NoSuch", "this kernel's /proc/meminfo has no such line"),
        (unread(Made().account(), meminfo=None), "meminfo.MemFree", "/proc/meminfo was not read"),
        (
            unread(Made().account(), meminfo=None, absent={"meminfo": "denied"}),
            "meminfo.MemFree",
            "denied",
        ),
        (unread(Made().account()), "vmstat.x", "this kernel's /proc/vmstat has no such line"),
        (unread(Made().account()), "root.x", "this kernel's memory.stat has no such line"),
        (unread(Made().account(), root=None), "root.anon", "the root cgroup has no memory.stat here"),
        (unread(Made().account(), root={"anon": 1}), "root_held", "it needs the root cgroup's memory.stat"),
        (unread(Made().account(), free_percpu_bytes=None), "free_percpu", "/proc/zoneinfo was not read"),
        (unread(Made().account(), meminfo={"Active": 1}), "lru", "it needs meminfo's Active, Inactive"),
        (unread(Made().account()), "top", "kubectl top node was not asked"),
        (unread(Made().account(top=Top(source="x"))), "top", "kubectl top node has no number"),
        (unread(Made().account(top=Top(source="x", detail="no metrics"))), "top", "no metrics"),
        (unread(Made().account()), "working_set_at_sample", "no history at the sample's time"),
    ],
)
def test_what_is_not_known_has_its_reason(facts: NodeFacts, name: str, reason: str) -> None:
    assert name not in facts
    assert facts.reason(name).startswith(reason)
