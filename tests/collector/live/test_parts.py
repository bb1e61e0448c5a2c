from hypothesis import given, settings

from collector.explain import strategies
from memcollect.documents.snapshot import Container, Pod
from memcollect.live.parts import Part, Parts, added, composition_of, parts_of, undecided_parts
from memcollect_agent.wire import Cgroup
from worlds.builders import MIB, NODE, QUIET_CURRENT, QUIET_STAT, cgroup, container, idle_cgroup, pause, pod


def _parts(found: Pod) -> Parts:
    composition, why = composition_of(found, NODE)
    assert composition is not None, why
    return parts_of(composition)


def _columns(parts: Parts) -> list[Part]:
    return [parts.anon, parts.shmem, parts.hot_cache, parts.kernel]


def _sum(parts: Parts) -> int:
    return sum(part.bytes or 0 for part in _columns(parts)) + parts.other_bytes


def _without(*keys: str) -> Cgroup:
    stat = {key: value for key, value in QUIET_STAT.items() if key not in keys}
    return Cgroup(path="/old", current_bytes=QUIET_CURRENT, stat=stat)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(strategies.pods)
def test_parts_and_remainder_are_the_working_set_whatever_the_counters_say(found: Pod) -> None:
    composition, why = composition_of(found, NODE)
    if composition is None:
        assert why
        return
    parts = parts_of(composition)
    assert _sum(parts) == parts.working_set_bytes
    for part in _columns(parts):
        assert part.bytes is None or (part.low_bytes or 0) <= part.bytes <= (part.high_bytes or 0)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(strategies.pods, strategies.pods)
def test_a_sum_of_parts_adds_up_just_as_each_does(one: Pod, other: Pod) -> None:
    both = [parts_of(found) for each in (one, other) if (found := composition_of(each, NODE)[0]) is not None]
    total = added(both)
    assert _sum(total) == total.working_set_bytes == sum(each.working_set_bytes for each in both)


def test_each_part_is_what_the_kernel_counts() -> None:
    parts = _parts(pod())
    assert [part.bytes for part in _columns(parts)] == [100 * MIB, 10 * MIB, 30 * MIB, 17 * MIB]
    assert (parts.working_set_bytes, parts.other_bytes) == (157 * MIB, 0)


def test_kubectl_tops_containers_count_and_the_pause_container_does_not() -> None:
    assert _parts(pod(container("a"), container("b"), pause())).working_set_bytes == 2 * 157 * MIB


def test_a_charge_that_no_counter_names_is_the_remainder() -> None:
    parts = _parts(pod(container(cgroup=cgroup(QUIET_CURRENT + 3 * MIB))))
    assert parts.other_bytes == 3 * MIB


def test_what_a_kernel_does_not_count_is_unknown_and_in_the_remainder() -> None:
    parts = _parts(pod(container(cgroup=_without("shmem"))))
    assert parts.shmem == Part(partial=True)
    assert _sum(parts) == parts.working_set_bytes


def test_what_is_unknown_comes_with_its_column_and_its_reason() -> None:
    composition, _ = composition_of(pod(container(cgroup=_without("sock"))), NODE)
    assert composition is not None
    ((column, undecided),) = undecided_parts(composition)
    assert (column, undecided.name, undecided.missing) == ("KERNEL", "sock", "stat.sock")
    assert parts_of(composition).kernel.partial


def test_without_the_processes_tmpfs_that_cannot_be_swapped_makes_lazyfree_an_interval() -> None:
    # The unevictable list does not say whether it is tmpfs or locked anonymous memory.
    parts = _parts(pod(container(cgroup=cgroup(stat={"unevictable": 10 * MIB, "inactive_anon": 100 * MIB}))))
    assert parts.anon.is_interval
    assert parts.hot_cache.is_interval
    assert not parts.shmem.is_interval


def test_huge_pages_that_are_charged_are_no_kernel_memory_but_in_the_remainder() -> None:
    charged = idle_cgroup(4 * MIB, hugetlb=4 * MIB)
    parts = _parts(pod(container(cgroup=charged)))
    assert (parts.kernel.bytes, parts.other_bytes) == (0, 4 * MIB)


def test_a_container_without_numbers_leaves_the_pod_without_one_and_says_which() -> None:
    bare = Container(name="bare", id="b", cgroup=Cgroup(path="/x", absent={"memory.stat": "denied"}))
    assert composition_of(pod(container(), bare), NODE) == (
        None,
        "container bare: current: memory.current was not read",
    )


def test_a_pod_that_its_node_did_not_measure_says_why() -> None:
    assert composition_of(Pod(uid="u", name="p", unmeasured="it is gone"), NODE) == (None, "it is gone")


def test_a_container_inside_a_guest_says_that_the_host_cannot_see_it() -> None:
    inside = Container(name="app", state="running", inside="it is in a guest")
    assert composition_of(Pod(uid="u", name="p", containers=[inside]), NODE) == (None, "it is in a guest")


def test_partial_parts_stay_partial_in_a_sum() -> None:
    known, unknown = _parts(pod()), _parts(pod(container(cgroup=_without("shmem"))))
    total = added([known, unknown])
    assert total.shmem.bytes == 10 * MIB
    assert total.shmem.partial
