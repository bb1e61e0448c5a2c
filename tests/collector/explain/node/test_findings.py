"""What is said of a node's holders and of evictions: when, and with which numbers."""

import msgspec
import pytest

from memcollect.documents.snapshot import Finding, KnownPod, NodeAccount, Thresholds
from memcollect.explain.node import explain_account
from memcollect_agent.wire import CgroupUse, Process
from worlds.node_builders import BURSTABLE, MIB, NODE, ORPHAN, POD, Made, use

GIB = 1 << 30


def found(account: NodeAccount, cause: str) -> list[Finding]:
    return [each for each in explain_account(account, NODE).findings if each.cause == cause]


def with_cgroups(made: Made, *more: CgroupUse) -> NodeAccount:
    account = made.account()
    cgroups = [*account.tree.cgroups, *more]
    return msgspec.structs.replace(account, tree=msgspec.structs.replace(account.tree, cgroups=cgroups))


def orphan(number: int, mib: int, *, populated: bool | None) -> CgroupUse:
    leaf = f"kubepods-burstable-pod{number:08d}_2222_4222_8222_222222222222.slice"
    return msgspec.structs.replace(use(f"{BURSTABLE}/{leaf}", anon=mib * MIB), populated=populated)


@pytest.mark.parametrize(
    ("populated", "said"),
    [
        ([True], "3 MiB is held by the cgroup of a pod that the API server does not know"),
        ([True], "(left behind, or deleted just now), with processes that still run: 00000000-2222"),
        ([False], "deleted just now), without any process: "),
        ([None], "deleted just now): "),
        ([True, False], "7 MiB is held by 2 cgroups of pods that the API server does not know"),
        ([True, False], "just now), 1 of them with processes that still run: 00000001-2222"),
        ([True, True], "just now), with processes that still run: "),
        ([False, False], "just now), without any process: "),
        ([None, False], "just now): "),
    ],
)
def test_orphans_are_told_with_whether_they_live(populated: list[bool | None], said: str) -> None:
    orphans = [orphan(place, 3 + place, populated=each) for place, each in enumerate(populated)]
    (finding,) = found(with_cgroups(Made(), *orphans), "orphan_pods")

    assert said in finding.sentence
    assert finding.estimate_bytes == sum(each.current_bytes or 0 for each in orphans)


def test_an_orphan_whose_processes_are_listed_lives() -> None:
    account = Made(orphan_anon=5 * MIB).account()
    listed = [Process(pid=7, ppid=1, start_time=1.0, state="S", comm="x")]
    account = msgspec.structs.replace(account, orphan_processes={ORPHAN: listed})
    (finding,) = found(account, "orphan_pods")

    assert ", with processes that still run: " in finding.sentence


def test_even_a_small_orphan_is_told_and_no_orphan_is_not() -> None:
    assert [each.estimate_bytes for each in found(Made(orphan_anon=1).account(), "orphan_pods")] == [1]
    assert found(Made().account(), "orphan_pods") == []


def test_what_deleted_pods_left_is_told_from_64_mib_on() -> None:
    assert found(Made(left_shmem=64 * MIB - 1).account(), "left_by_pods") == []
    (finding,) = found(Made(left_shmem=40 * MIB, left_kernel=24 * MIB).account(), "left_by_pods")

    assert finding.sentence == (
        f"64 MiB is charged to {BURSTABLE.strip('/')} and to none of its pods: left by pods that were deleted"
        " (40 MiB tmpfs, 24 MiB kernel memory); the kernel still keeps 7 removed cgroups there."
    )
    assert (finding.severity, finding.low_bytes, finding.high_bytes) == ("warning", 64 * MIB, 64 * MIB)


def test_only_containers_that_a_pod_started_are_told_as_outside_of_it() -> None:
    of_pod = f"{BURSTABLE}/kubepods-burstable-pod{POD.replace('-', '_')}.slice"
    outside = [use("/docker/" + letter * 64, anon=5 * MIB) for letter in "bcd"]
    started = [msgspec.structs.replace(each, started_by=of_pod) for each in outside[:2]]
    one = found(with_cgroups(Made(), started[0], outside[2]), "outside_containers")
    two = found(with_cgroups(Made(), *started), "outside_containers")

    said = "outside of Kubernetes, started by a process of pod team/web-0: in none of that pod's numbers"
    assert [each.sentence for each in (*one, *two)] == [
        f"5 MiB is a container {said} and under none of its limits.",
        f"10 MiB is 2 containers {said} and under none of its limits.",
    ]
    assert found(with_cgroups(Made(), outside[2]), "outside_containers") == []


def standing(account: NodeAccount, **facts: object) -> list[Finding]:
    return found(msgspec.structs.replace(account, **facts), "close_to_eviction")


def with_room(mib: int) -> NodeAccount:
    """Return a node with so much above the default threshold, and 600 MiB of active cache."""
    made = Made(free=0, free_percpu=0, service_inactive=0)
    used = sum(each.current_bytes or 0 for each in made.tree().cgroups if each.path.count("/") == 1)
    rest = made.total - used - made.root_anon
    return Made(free=max(0, mib * MIB + 100 * MIB - rest), free_percpu=0, service_inactive=0).account()


def test_a_node_near_its_threshold_is_told_who_goes_first() -> None:
    (finding,) = standing(with_room(30))

    assert finding.sentence == (
        "The kubelet is 30 MiB from evicting, 600 MiB of what it counts being active page cache; the first to"
        " go would be team/web-0."
    )
    assert (finding.severity, finding.estimate_bytes) == ("warning", 30 * MIB)
    assert finding.evidence.startswith(f"memory.available {130 * MIB} − threshold {100 * MIB} (")


@pytest.mark.parametrize(("mib", "told"), [(200, True), (201, False)])
def test_a_node_is_near_within_twice_its_threshold(mib: int, *, told: bool) -> None:
    assert bool(standing(with_room(mib))) is told


def test_of_a_large_node_a_twentieth_is_near() -> None:
    thresholds = Thresholds(hard="1Gi", hard_bytes=1 * GIB)
    large = Made(free=19 * GIB, pod_anon=400 * GIB)
    near = large.total // 20

    assert standing(msgspec.structs.replace(large, free=near).account(), thresholds=thresholds)
    assert not standing(msgspec.structs.replace(large, free=near + 2 * GIB).account(), thresholds=thresholds)


def test_memory_pressure_is_told_however_much_room_there_is() -> None:
    assert standing(with_room(5000)) == []
    (finding,) = standing(with_room(5000), memory_pressure=True)

    assert "from evicting and reports MemoryPressure, 600 MiB of" in finding.sentence
    assert finding.severity == "critical"


@pytest.mark.parametrize(
    ("hard", "soft", "said", "severity"),
    [
        (130, 0, "The kubelet is 0 B beyond its eviction threshold", "critical"),
        (129, 0, "The kubelet is 1 MiB from evicting", "warning"),
        (150, 0, "The kubelet is 20 MiB beyond its eviction threshold", "critical"),
        (100, 120, "The kubelet is 10 MiB from its soft threshold", "warning"),
        (100, 180, "The kubelet is 50 MiB beyond its soft eviction threshold", "critical"),
        (120, 120, "The kubelet is 10 MiB from evicting", "warning"),
    ],
)
def test_the_threshold_that_is_met_first_is_told(hard: int, soft: int, said: str, severity: str) -> None:
    thresholds = Thresholds(hard="set", hard_bytes=hard * MIB, soft_bytes=soft * MIB)
    (finding,) = standing(with_room(30), thresholds=thresholds)

    assert finding.sentence.startswith(said)
    assert finding.severity == severity


def test_without_a_threshold_nothing_is_close() -> None:
    assert standing(with_room(30), thresholds=Thresholds()) == []


def test_little_cache_and_no_pod_to_go_are_not_spoken_of() -> None:
    account = Made(free=0, free_percpu=0, service_active=MIB - 1, service_inactive=0, direct=0).account()
    static = [KnownPod(uid=POD, namespace="team", name="web-0", is_static=True)]
    (finding,) = standing(account, known_pods=static)

    assert "page cache" not in finding.sentence
    assert "first to go" not in finding.sentence


@pytest.mark.parametrize(("share", "told"), [(0.04, False), (0.06, True)])
def test_kernel_memory_without_a_name_is_told_from_a_twentieth_on(share: float, *, told: bool) -> None:
    made = Made(direct=round(share * Made().total))

    assert bool(found(made.account(), "kernel_direct")) is told


@pytest.mark.parametrize(("mib", "told"), [(63, False), (64, True)])
def test_active_cache_is_told_from_64_mib_on(mib: int, *, told: bool) -> None:
    findings = found(Made(service_active=mib * MIB).account(), "active_cache")

    assert [each.estimate_bytes for each in findings] == [mib * MIB] * told
