"""What one cgroup holds: its numbers, its name, and whose it is."""

import msgspec
import pytest

from memcollect.accounting.node.holders import holders_of
from memcollect.documents.snapshot import Holder, KnownPod, NodeAccount
from memcollect_agent.wire import CgroupUse
from worlds.node_builders import BURSTABLE, MIB, POD, Made, use

POD_PATH = f"{BURSTABLE}/kubepods-burstable-pod{POD.replace('-', '_')}.slice"
OUTSIDE = "/docker/" + "b" * 64


def held(*cgroups: CgroupUse, known: list[KnownPod] | None = None) -> list[Holder]:
    account = Made().account()
    tree = msgspec.structs.replace(account.tree, cgroups=list(cgroups))
    known = account.known_pods if known is None else known
    return holders_of(msgspec.structs.replace(account, tree=tree, known_pods=known))


def one(cgroup: CgroupUse) -> Holder:
    (holder,) = held(cgroup)
    return holder


def test_a_holders_kinds_of_memory_are_those_of_its_memory_stat() -> None:
    numbers = {"anon": 5, "shmem": 7, "active_file": 11, "inactive_file": 13, "kernel": 17, "sock": 19}
    holder = one(use("/system.slice/db.service", **numbers))

    assert (holder.kind, holder.name) == ("service", "db.service")
    assert holder.bytes == 5 + 7 + 11 + 13 + 17 + 19
    assert holder.working_set_bytes == holder.bytes - 13
    assert (holder.anon_bytes, holder.shmem_bytes) == (5, 7)
    assert (holder.cache_bytes, holder.kernel_bytes) == (11 + 13, 17 + 19)


def test_a_working_set_stops_at_0_as_the_kubelets_does() -> None:
    stat = {"inactive_file": 5 * MIB}
    assert one(CgroupUse(path=OUTSIDE, current_bytes=MIB, stat=stat)).working_set_bytes == 0


@pytest.mark.parametrize(
    ("stat", "unknown"),
    [
        ({}, {"working_set_bytes", "anon_bytes", "shmem_bytes", "cache_bytes", "kernel_bytes"}),
        ({"file": 3, "kernel": 1}, {"working_set_bytes", "anon_bytes", "shmem_bytes", "cache_bytes"}),
        ({"shmem": 3, "kernel": 1}, {"working_set_bytes", "anon_bytes", "cache_bytes"}),
    ],
)
def test_a_line_that_was_not_read_is_no_zero(stat: dict[str, int], unknown: set[str]) -> None:
    holder = one(CgroupUse(path=OUTSIDE, current_bytes=9, stat=stat))
    names = ("working_set_bytes", "anon_bytes", "shmem_bytes", "cache_bytes", "kernel_bytes")

    assert {name for name in names if getattr(holder, name) is None} == unknown


def test_a_cgroup_without_a_number_holds_nothing_that_could_be_told() -> None:
    assert held(CgroupUse(path=OUTSIDE)) == []


@pytest.mark.parametrize(
    ("known", "owner"),
    [
        ([KnownPod(uid=POD, namespace="team", name="web-0")], "team/web-0"),
        ([KnownPod(uid=POD.upper(), namespace="", name="web-0")], "web-0"),
        ([], POD),
    ],
)
def test_a_container_outside_is_its_starters_by_name_or_else_by_uid(
    known: list[KnownPod], owner: str
) -> None:
    started = msgspec.structs.replace(use(OUTSIDE, anon=MIB), started_by=POD_PATH)
    (holder,) = held(started, known=known)

    assert (holder.kind, holder.pod) == ("container", owner)


def test_a_container_that_no_pod_started_is_nobodys() -> None:
    assert one(use(OUTSIDE, anon=MIB)).pod == ""


def test_the_largest_comes_first_and_equal_ones_by_path() -> None:
    sizes = {"c": 5, "b": 7, "a": 5}
    found = held(*(use(f"/system.slice/{name}.service", anon=size) for name, size in sizes.items()))

    assert [each.name for each in found] == ["b.service", "a.service", "c.service"]


@pytest.mark.parametrize(
    ("path", "kind", "name"),
    [
        ("/system.slice", "service", "system.slice itself"),
        ("/user.slice", "slice", "user.slice"),
        (BURSTABLE, "left", BURSTABLE.strip("/")),
    ],
)
def test_a_rest_is_what_is_charged_above_and_not_below(path: str, kind: str, name: str) -> None:
    leaf = f"{path}/x.service" if kind != "left" else POD_PATH
    below = use(leaf, anon=3 * MIB, kernel=MIB)
    rest = next(each for each in held(use(path, anon=10 * MIB, kernel=2 * MIB), below) if each.path == path)

    assert (rest.kind, rest.name) == (kind, name)
    assert (rest.bytes, rest.anon_bytes, rest.kernel_bytes) == (8 * MIB, 7 * MIB, MIB)


def test_a_rest_of_a_line_that_one_below_lacks_is_unknown() -> None:
    above = use("/user.slice", anon=10 * MIB)
    below = CgroupUse(path="/user.slice/x.service", current_bytes=MIB, stat={"file": 0, "shmem": 0})
    rest = next(each for each in held(above, below) if each.path == "/user.slice")

    assert (rest.bytes, rest.anon_bytes, rest.cache_bytes) == (9 * MIB, None, 0)


def test_a_pod_is_known_by_its_uid_however_its_cgroup_writes_it() -> None:
    account: NodeAccount = Made().account()
    assert [each.name for each in holders_of(account) if each.kind == "pod"] == ["team/web-0"]
