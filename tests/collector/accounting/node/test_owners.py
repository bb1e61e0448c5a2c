import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect.accounting.node.facts import node_facts
from memcollect.accounting.node.holders import holders_of, top_level
from memcollect.accounting.node.owners import owners
from memcollect.documents.snapshot import NodeAccount, Partition
from memcollect_agent.wire import CgroupUse
from worlds.node_builders import BURSTABLE, MIB, NODE, ORPHAN, POD, Made

AMOUNT = st.integers(0, 1 << 36)


def held(account: NodeAccount) -> Partition:
    return owners(account, holders_of(account), node_facts(account, NODE))


def amounts(partition: Partition) -> dict[str, int]:
    return {term.term: term.estimate_bytes // MIB for term in partition.terms}


def test_each_group_of_holders_has_what_was_made_for_it() -> None:
    made = Made(orphan_anon=150 * MIB, left_shmem=90 * MIB, left_kernel=25 * MIB, outside_anon=77 * MIB)
    partition = held(made.account())

    assert amounts(partition) == {
        "free": 8196,
        "pods": 340,
        "orphan_pods": 150,
        "services": 900,
        "outside_containers": 77,
        "left_by_pods": 115,
        "root_own": 10,
        "kernel_uncharged": 121 - 25,
    }
    assert partition.residual.within_bound
    assert partition.residual.estimate_bytes == 0


def test_what_deleted_pods_left_is_the_class_without_its_pods_and_has_kinds() -> None:
    (left,) = [
        each
        for each in holders_of(Made(left_shmem=90 * MIB, left_kernel=25 * MIB).account())
        if each.kind == "left" and each.bytes
    ]

    assert (left.name, left.bytes) == (BURSTABLE.strip("/"), 115 * MIB)
    assert (left.shmem_bytes, left.kernel_bytes, left.anon_bytes) == (90 * MIB, 25 * MIB, 0)
    assert left.dying_cgroups == 7


def test_a_pod_is_an_orphan_only_where_the_api_server_was_asked() -> None:
    made = Made(orphan_anon=MIB)

    def kinds_of(account: NodeAccount) -> set[str]:
        return {each.kind for each in holders_of(account) if ORPHAN in each.name}

    assert kinds_of(made.account()) == {"orphan"}
    assert kinds_of(made.account(known=False)) == {"unnamed"}


def test_a_cgroup_without_numbers_is_what_those_below_it_are() -> None:
    account = Made().account()
    bare = [
        CgroupUse(path=each.path) if each.path in {"/kubepods.slice", BURSTABLE} else each
        for each in account.tree.cgroups
    ]
    account = msgspec.structs.replace(account, tree=msgspec.structs.replace(account.tree, cgroups=bare))
    partition = held(account)

    assert amounts(partition)["pods"] == 340
    assert amounts(partition)["root_own"] == 10
    assert partition.residual.estimate_bytes == 0


def test_a_cgroup_nested_below_another_root_counts_once() -> None:
    account = Made().account()
    moved = [
        msgspec.structs.replace(each, path=each.path.replace("/kubepods.slice", "/kind.slice/kubepods.slice"))
        for each in account.tree.cgroups
    ]
    inner = next(each for each in moved if each.path == "/kind.slice/kubepods.slice")
    moved.insert(0, msgspec.structs.replace(inner, path="/kind.slice"))
    account = msgspec.structs.replace(account, tree=msgspec.structs.replace(account.tree, cgroups=moved))

    assert held(account).residual.estimate_bytes == 0


def test_cgroups_that_were_not_read_are_said_beside_the_bound() -> None:
    account = Made().account()
    tree = msgspec.structs.replace(account.tree, left_out=12)
    partition = held(msgspec.structs.replace(account, tree=tree))

    assert "were not read" in partition.residual.bound_reason


def without(account: NodeAccount, *, left_out: int, lost: str = "", hidden: str = "") -> NodeAccount:
    """Return the account of a tree in which one cgroup is missing, or one has no number."""
    cgroups = [
        CgroupUse(path=each.path, absent="denied") if each.path == hidden else each
        for each in account.tree.cgroups
        if not lost or not each.path.startswith(lost)
    ]
    return msgspec.structs.replace(
        account, tree=msgspec.structs.replace(account.tree, cgroups=cgroups, left_out=left_out)
    )


@pytest.mark.parametrize("how", ["left out", "unreadable"])
def test_a_pod_that_was_not_read_is_not_told_as_left_by_deleted_ones(how: str) -> None:
    account = Made().account()
    pod = next(each.path for each in account.tree.cgroups if POD.replace("-", "_") in each.path)
    part = (
        without(account, left_out=1, lost=pod)
        if how == "left out"
        else without(account, left_out=0, hidden=pod)
    )
    partition = held(part)

    assert {each.kind for each in holders_of(part)} == {"service"}
    assert {each.term for each in partition.terms}.isdisjoint({"pods", "left_by_pods", "other_cgroups"})
    assert "left_by_pods" in [each.name for each in partition.undecided]
    assert "were not read" in partition.residual.bound_reason
    assert not partition.residual.within_bound


def test_a_cgroup_at_the_top_that_was_left_out_is_not_told_as_the_roots_own() -> None:
    partition = held(without(Made().account(), left_out=2, lost="/system.slice"))

    assert amounts(partition) == {"free": 8196, "pods": 340}
    assert {each.name: each.missing for each in partition.undecided} == {
        "left_by_pods": "rests",
        "root_own": "tops.user",
        "kernel_uncharged": "tops.kernel",
    }
    assert partition.residual.estimate_bytes == Made().total - (8196 + 340) * MIB


@pytest.mark.parametrize("number", [None, 5 * MIB])
def test_a_cgroup_without_numbers_is_no_sum_of_some_of_those_below_it(number: int | None) -> None:
    known = CgroupUse(path="/a/b", current_bytes=3 * MIB, stat={"anon": MIB, "file": 0})
    other = CgroupUse(path="/a/c", current_bytes=number, stat={} if number is None else {"anon": 2 * MIB})
    (top,) = top_level([CgroupUse(path="/a"), known, other])

    assert top.current_bytes == (None if number is None else 8 * MIB)
    assert top.stat == ({} if number is None else {"anon": 3 * MIB})


@given(
    st.builds(
        Made,
        **dict.fromkeys(("orphan_anon", "left_shmem", "outside_anon", "service_anon", "root_anon"), AMOUNT),
    )
)
def test_terms_and_residual_are_memtotal_whatever_it_is(made: Made) -> None:
    partition = held(made.account())
    owned = sum(term.estimate_bytes for term in partition.terms)

    assert owned + partition.residual.estimate_bytes == made.total
    assert partition.residual.within_bound


@given(st.builds(Made, **dict.fromkeys(("orphan_anon", "left_shmem", "outside_anon"), AMOUNT)))
def test_every_byte_that_is_charged_has_one_holder(made: Made) -> None:
    account = made.account()
    tops = [each for each in account.tree.cgroups if each.path.count("/") == 1]

    assert sum(each.bytes for each in holders_of(account)) == sum(each.current_bytes or 0 for each in tops)
