import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect.documents.snapshot import Pod
from memcollect.join.limit import limit_of
from memcollect.reporters.room import room_of
from worlds.compare_builders import MIB, pod, snapshot
from worlds.reported_cases import NAMES, told

SIZES = st.integers(0, 1 << 40)


def explained(anon: int, cache: int, cold: int, limit: int | None) -> Pod:
    raw = pod(anon, cache=cache)
    cgroup = raw.containers[0].cgroup
    assert cgroup is not None
    assert cgroup.stat is not None
    stat = {**cgroup.stat, "inactive_file": cold, "file": cache + cold}
    own = msgspec.structs.replace(
        cgroup, stat=stat, current_bytes=anon + cache + cold, max_bytes="max" if limit is None else limit
    )
    container = msgspec.structs.replace(raw.containers[0], cgroup=own)
    return snapshot(msgspec.structs.replace(raw, containers=[container], cgroup=own)).pods[0]


@given(SIZES, SIZES, SIZES, SIZES)
def test_the_parts_sum_to_the_limit_or_to_a_charge_above_it(
    anon: int, cache: int, cold: int, limit: int
) -> None:
    found = room_of(explained(anon, cache, cold, limit))
    assert found is not None
    charge = anon + cache + cold
    assert found.whole_bytes == (max(limit, charge) if limit else charge)


def test_what_the_kernel_drops_is_told_from_what_it_cannot() -> None:
    found = room_of(explained(100 * MIB, 40 * MIB, 20 * MIB, 200 * MIB))
    assert found is not None
    assert (found.kept_bytes, found.droppable_bytes, found.left_out_bytes, found.free_bytes) == (
        100 * MIB,
        40 * MIB,
        20 * MIB,
        40 * MIB,
    )


def test_without_a_limit_nothing_is_free() -> None:
    found = room_of(explained(100 * MIB, 0, 0, None))
    assert found is not None
    assert (found.limit_bytes, found.is_unlimited, found.free_bytes) == (None, True, 0)


def test_a_limit_that_was_not_read_is_not_known_and_not_none() -> None:
    raw = explained(100 * MIB, 0, 0, None)
    assert raw.cgroup is not None
    unread = msgspec.structs.replace(raw.cgroup, max_bytes=None)
    container = msgspec.structs.replace(raw.containers[0], cgroup=unread)
    blind = msgspec.structs.replace(raw, cgroup=unread, containers=[container])
    nowhere = pod(MIB, containers=[], cgroup=None)
    assert [limit_of(each) for each in (raw, blind, nowhere)] == ["max", None, None]
    found = room_of(blind)
    assert found is not None
    assert not found.is_unlimited


def test_a_pod_that_was_not_measured_has_no_room() -> None:
    assert room_of(pod(MIB)) is None


def test_of_several_containers_only_the_pods_own_limit_is_its_limit() -> None:
    one = explained(MIB, 0, 0, 50 * MIB)
    two = msgspec.structs.replace(one, cgroup=None, containers=[*one.containers, *one.containers])
    assert (limit_of(one), limit_of(two)) == (50 * MIB, None)


def test_a_limit_of_the_pods_is_held_against_all_that_is_charged_to_it() -> None:
    """Case 17: containers that are gone left 2 GiB of tmpfs, and the one that runs holds next to nothing."""
    found = room_of(told("17-tmpfs-oom-loop").snapshot.pods[0])
    assert found is not None
    assert found.limit_bytes == 2048 * MIB
    assert found.beside_bytes > 2000 * MIB
    assert found.free_bytes < 10 * MIB


def test_what_must_be_written_first_is_kept_wherever_it_is_charged() -> None:
    """Case 05: 2000 MiB of dirty page cache in no working set."""
    found = room_of(told("05-dirty-cache-nfs").snapshot.pods[0])
    assert found is not None
    assert found.kept_bytes > 2000 * MIB
    assert found.left_out_bytes < 30 * MIB


@pytest.mark.parametrize("name", NAMES)
def test_what_is_free_is_what_the_verdict_says_is_left(name: str) -> None:
    for each in told(name).snapshot.pods:
        found = room_of(each)
        said = [one.amount_bytes for one in each.statements if one.topic == "room"]
        if found is None or found.limit_bytes is None or not said or len(each.containers) > 2:
            continue
        assert abs(found.free_bytes - (said[0] or 0)) <= MIB, each.name


def test_an_init_container_that_has_ended_leaves_the_limit_that_of_the_only_one_that_runs() -> None:
    one = explained(100 * MIB, 40 * MIB, 20 * MIB, 200 * MIB)
    seed = msgspec.structs.replace(
        one.containers[0], name="seed", role="init", state="terminated", cgroup=None, composition=None
    )
    with_seed = room_of(msgspec.structs.replace(one, containers=[*one.containers, seed]))
    with_sidecar = room_of(
        msgspec.structs.replace(
            one, containers=[*one.containers, msgspec.structs.replace(one.containers[0], name="b")]
        )
    )
    assert with_seed is not None
    assert with_sidecar is not None
    assert (with_seed.is_pods_alone, with_sidecar.is_pods_alone) == (False, True)
