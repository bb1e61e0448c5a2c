from memcollect.compare.grown.matching import matched
from memcollect.documents.snapshot import Pod
from worlds.compare_builders import MIB, pod


def named(name: str, uid: str, owner: str | None = None) -> Pod:
    return pod(MIB, name, uid=uid, owner=owner)


def belongings(before: list[Pod], after: list[Pod]) -> list[tuple[str, str, str]]:
    return [(old.uid, new.uid, rule) for old, new, rule in matched(before, after).pairs]


def test_the_same_pod_goes_before_one_of_the_same_name() -> None:
    before = [named("a", "1"), named("b", "2")]
    assert belongings(before, [named("b", "1"), named("a", "3")]) == [("1", "1", "uid")]
    assert belongings(before, [named("a", "9"), named("b", "2")]) == [("2", "2", "uid"), ("1", "9", "name")]


def test_an_owner_decides_only_where_one_pod_is_left_on_each_side() -> None:
    one = [named("web-1", "1", "ReplicaSet/web"), named("web-2", "2", "ReplicaSet/web")]
    kept = named("web-2", "2", "ReplicaSet/web")
    assert belongings(one, [kept, named("web-3", "3", "ReplicaSet/web")]) == [
        ("2", "2", "uid"),
        ("1", "3", "owner"),
    ]
    both_new = [named("web-3", "3", "ReplicaSet/web"), named("web-4", "4", "ReplicaSet/web")]
    assert belongings(one, both_new) == []
    found = matched(one, both_new)
    assert ([each.uid for each in found.only_before], [each.uid for each in found.only_after]) == (
        ["1", "2"],
        ["3", "4"],
    )


def test_a_service_is_the_same_on_its_own_machine_alone() -> None:
    here, there = (pod(MIB, "docker.service", uid="docker.service", kind="service", node=n) for n in "ab")
    assert belongings([here], [here]) == [("docker.service", "docker.service", "uid")]
    assert belongings([here], [there]) == []
    moved = [pod(MIB, "a", uid="1", node=n) for n in "ab"]
    assert belongings(moved[:1], moved[1:]) == [("1", "1", "uid")]


def test_in_two_clusters_a_name_and_an_owner_are_two() -> None:
    before, after = [named("a", "1"), named("b", "2", "Job/x")], [named("a", "3"), named("c", "4", "Job/x")]
    assert {rule for _, _, rule in belongings(before, after)} == {"name", "owner"}
    assert matched(before, [*after, named("d", "1")], one_cluster=False).pairs == [
        (before[0], named("d", "1"), "uid")
    ]


def test_pods_without_an_owner_are_no_family() -> None:
    assert belongings([named("a", "1")], [named("b", "2")]) == []
