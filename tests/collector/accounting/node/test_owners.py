import msgspec
from hypothesis import given
from hypothesis import strategies as st

from memcollect.accounting.node.facts import node_facts
from memcollect.accounting.node.holders import holders_of
from memcollect.accounting.node.owners import owners
from memcollect.documents.snapshot import NodeAccount, Partition
from memcollect_agent.wire import CgroupUse
from worlds.node_builders import BURSTABLE, MIB, NODE, ORPHAN, Made

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
