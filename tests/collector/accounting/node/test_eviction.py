import msgspec
import pytest

from memcollect.accounting.node.eviction import eviction, is_spared, oom_score_adj, threshold_of
from memcollect.accounting.node.facts import node_facts
from memcollect.accounting.node.holders import holders_of
from memcollect.documents.snapshot import Candidate, Eviction, KnownPod, Thresholds
from worlds.node_builders import MIB, NODE, Made, use

GIB = 1 << 30


def known(number: int, **facts: object) -> KnownPod:
    uid = f"{number:08d}-1111-4111-8111-111111111111"
    return msgspec.convert({"uid": uid, "namespace": "team", "name": f"p{number}", **facts}, KnownPod)


def standing(*pods: tuple[KnownPod, int], left_out: int = 0, unread: str = "") -> Eviction:
    """Return where a node stands whose pods have these working sets, in MiB; of one, `unread` is missing."""
    made = Made().account()
    cgroups = [use(f"/kubepods/pod{pod.uid}", anon=mib * MIB) for pod, mib in pods]
    cgroups[:1] = [
        msgspec.structs.replace(each, stat={name: size for name, size in each.stat.items() if name != unread})
        for each in cgroups[:1]
    ]
    tree = msgspec.structs.replace(made.tree, cgroups=cgroups, left_out=left_out)
    account = msgspec.structs.replace(made, tree=tree, known_pods=[pod for pod, _ in pods])
    found = eviction(account, holders_of(account), node_facts(account, NODE))
    assert found is not None
    return found


def names(found: Eviction) -> list[str]:
    return [each.pod.removeprefix("team/") for each in found.order]


def test_available_is_memtotal_without_the_kubelets_working_set() -> None:
    assert standing().available_bytes == Made().total - (410 + 40 + 600) * MIB


def test_pods_above_their_request_go_first_then_low_priority_then_the_furthest_above() -> None:
    found = standing(
        (known(1, request_bytes=500 * MIB), 400),
        (known(2, request_bytes=100 * MIB, priority=10), 900),
        (known(3, request_bytes=100 * MIB), 300),
        (known(4, request_bytes=0), 150),
        (known(5, request_bytes=0), 250),
    )

    assert names(found) == ["p5", "p3", "p4", "p2", "p1"]


def test_static_and_critical_pods_are_spared_and_counted() -> None:
    found = standing((known(1, is_static=True), 5), (known(2, priority=2_000_000_000), 5), (known(3), 5))

    assert (names(found), found.spared) == (["p3"], 2)
    assert is_spared(known(1, priority=2_000_001_000))


def test_the_kernel_kills_best_effort_before_what_requests() -> None:
    found = standing(
        (known(1, qos_class="Guaranteed", request_bytes=GIB), 900),
        (known(2, qos_class="Burstable", request_bytes=GIB), 50),
        (known(3, qos_class="BestEffort"), 10),
    )

    assert [each.pod for each in found.kill_order] == ["team/p3", "team/p2", "team/p1"]


def test_an_order_says_of_each_pod_what_was_compared() -> None:
    request, priority, qos = 100 * MIB, 7, "Burstable"
    found = standing((known(1, request_bytes=request, priority=priority, qos_class=qos), 300))
    compared = Candidate(
        pod="team/p1", usage_bytes=300 * MIB, request_bytes=request, priority=priority, qos_class=qos
    )
    adj = 1000 - 1000 * request // Made().total

    assert found.order == [compared]
    assert found.kill_order == [msgspec.structs.replace(compared, oom_score_adj=adj)]


@pytest.mark.parametrize(("mib", "first"), [(15, "p2"), (25, "p1")])
def test_a_step_of_oom_score_adj_weighs_a_thousandth_of_the_machine(mib: int, first: str) -> None:
    # Of 9,567 MiB in all: adj 999 with 15 MiB is less than adj 1000 with 10, and with 25 MiB more.
    found = standing((known(1, qos_class="Burstable"), mib), (known(2, qos_class="BestEffort"), 10))

    assert Made().total // MIB == 9567
    assert found.kill_order[0].pod == f"team/{first}"


def test_of_equal_pods_the_kernel_kills_the_one_with_the_most_private_memory() -> None:
    found = standing(*((known(number, qos_class="BestEffort"), 10 * number) for number in (1, 3, 2)))

    assert [each.pod for each in found.kill_order] == ["team/p3", "team/p2", "team/p1"]


@pytest.mark.parametrize(
    ("left_out", "unread", "order", "kill_order"),
    [(1, "", 0, 0), (0, "inactive_file", 0, 2), (0, "anon", 2, 0), (0, "", 2, 2)],
)
def test_nobody_is_told_to_go_first_where_a_pods_memory_is_not_known(
    left_out: int, unread: str, order: int, kill_order: int
) -> None:
    found = standing((known(1), 500), (known(2), 100), left_out=left_out, unread=unread)

    assert (len(found.order), len(found.kill_order)) == (order, kill_order)


@pytest.mark.parametrize(
    ("pod", "adj"),
    [
        (known(1, qos_class="Guaranteed"), -997),
        (known(1, qos_class="BestEffort"), 1000),
        (known(1, qos_class="Burstable", request_bytes=0), 999),
        (known(1, qos_class="Burstable", request_bytes=4 * GIB), 750),
        (known(1, qos_class="Burstable", request_bytes=16 * GIB), 3),
        (known(1, qos_class="BestEffort", priority=2_000_001_000), -997),
    ],
)
def test_oom_score_adj_is_what_the_kubelet_writes(pod: KnownPod, adj: int) -> None:
    assert oom_score_adj(pod, 16 * GIB) == adj


@pytest.mark.parametrize(
    ("allocatable", "threshold", "said"),
    [
        (None, 100 * MIB, "not read from the node"),
        (16 * GIB - 100 * MIB, 100 * MIB, "capacity − allocatable is 100 MiB"),
        (15 * GIB, 100 * MIB, "at most 1024 MiB"),
        (16 * GIB - 50 * MIB, 50 * MIB, "of which it is a part"),
        (17 * GIB, 0, "capacity − allocatable, 0 B, of which it is a part"),
    ],
)
def test_a_threshold_that_was_not_read_says_so(allocatable: int | None, threshold: int, said: str) -> None:
    account = msgspec.structs.replace(
        Made().account(), capacity_bytes=16 * GIB, allocatable_bytes=allocatable
    )

    found, source = threshold_of(account)
    assert found == threshold
    assert said in source


def test_pods_that_were_evicted_or_killed_are_told() -> None:
    found = standing(
        (known(1, phase="Failed", evicted="The node was low on resource: memory."), 0),
        (known(2, oom_killed=["main at 2026-11-22T19:53:25Z"]), 5),
    )

    assert found.evicted == ["team/p1: The node was low on resource: memory."]
    assert found.oom_killed == ["team/p2: main at 2026-11-22T19:53:25Z"]
    assert names(found) == ["p2"]


def test_without_the_roots_memory_stat_nothing_is_said() -> None:
    made = Made().account()
    account = msgspec.structs.replace(made, tree=msgspec.structs.replace(made.tree, root=None))

    assert eviction(account, holders_of(account), node_facts(account, NODE)) is None


READ = Thresholds(hard="5%", hard_bytes=800 * MIB, soft="2Gi", soft_bytes=2 * GIB, soft_grace="1m30s")


@pytest.mark.parametrize(
    ("thresholds", "hard", "soft", "said"),
    [
        (READ, 800 * MIB, 2 * GIB, "evictionHard in the kubelet's own configuration, 5%"),
        (Thresholds(), 0, 0, "evictionHard in the kubelet's own configuration names none"),
        (Thresholds(source="It", hard="0%"), 0, 0, "It says 0%"),
    ],
)
def test_thresholds_that_were_read_are_no_assumption(
    thresholds: Thresholds, hard: int, soft: int, said: str
) -> None:
    account = msgspec.structs.replace(
        Made().account(), thresholds=thresholds, thresholds_unknown="never said"
    )

    found = eviction(account, holders_of(account), node_facts(account, NODE))

    assert found is not None
    assert (found.threshold_bytes, found.soft_bytes, found.threshold_source) == (hard, soft, said)
    assert found.soft_grace == thresholds.soft_grace


def test_why_the_kubelets_own_was_not_read_is_said_with_the_default() -> None:
    account = msgspec.structs.replace(Made().account(), thresholds_unknown="it answered 500")

    assert threshold_of(account)[1].endswith("; the kubelet's own was not read: it answered 500")
