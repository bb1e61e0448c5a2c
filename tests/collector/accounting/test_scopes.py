import msgspec
import pytest

from memcollect.accounting.facts import Facts, MissingFactError
from memcollect.accounting.scopes import (
    ADDED_UP,
    ELSEWHERE,
    app_facts,
    container_facts,
    is_there,
    pod_facts,
    pod_sums,
)
from memcollect.documents.snapshot import Container, Pod, Top
from memcollect.join.roles import app_containers
from memcollect_agent.wire import Cgroup, ProcessSums, SkippedProcess, Swap
from worlds.builders import MIB, NODE, QUIET_CURRENT, QUIET_SUMS, cgroup, container, pause, pod

GONE = Container(name="init", role="init", state="terminated")
UNMEASURED = Container(name="late", state="running")


def apps(row: Pod) -> Facts:
    return app_facts(row, [(each, container_facts(each, NODE)) for each in app_containers(row)])


def reason(facts: Facts, name: str) -> str:
    with pytest.raises(MissingFactError) as raised:
        facts[name]
    return raised.value.reason


def test_a_container_knows_its_working_set() -> None:
    facts = container_facts(container(), NODE)

    assert facts["working_set"] == 157 * MIB
    assert facts["cut_off"] == 0
    assert container_facts(container(cgroup=cgroup(5, {"inactive_file": 9})), NODE)["cut_off"] == 4


def test_kubectl_top_is_floored_to_whole_mib() -> None:
    facts = container_facts(container(top=Top(source="x", memory_bytes=5 * MIB + 7)), NODE)

    assert (facts["top"], facts["top_raw"]) == (5 * MIB, 5 * MIB + 7)
    assert reason(container_facts(container(), NODE), "top") == "kubectl top was not asked"
    unknown = container(top=Top(source="x", detail="dropped: a container reads zero"))
    assert reason(container_facts(unknown, NODE), "top") == "dropped: a container reads zero"


def test_no_limit_is_not_an_unknown_limit() -> None:
    facts = container_facts(container(cgroup=cgroup(max_bytes="max", high_bytes=None)), NODE)

    assert "unlimited.max" in facts
    assert "unlimited.high" not in facts
    assert reason(facts, "limit.high") == "memory.high was not read"


def test_missing_events_are_unknown_with_the_reason() -> None:
    unread = Cgroup(path="/x", absent={"memory.events": "denied"})

    assert reason(container_facts(container(cgroup=unread), NODE), "events.oom_kill") == "denied"


def test_swap_and_huge_pages_are_facts_where_they_were_read() -> None:
    facts = container_facts(
        container(cgroup=cgroup(swap=Swap(current_bytes=5, max_bytes=9), hugetlb={"2MB": 2, "1GB": 3})), NODE
    )

    assert (facts["swap.current"], facts["limit.swap"], facts["hugetlb"]) == (5, 9, 5)


def test_every_cgroup_below_may_hold_stock_the_dying_ones_too() -> None:
    below = cgroup(descendants={"nr_descendants": 2, "nr_dying_descendants": 1})

    assert container_facts(container(cgroup=below), NODE)["cgroups"] == 4


def test_a_pod_sees_what_its_children_hold_and_what_moved() -> None:
    moving = cgroup(current_again_bytes=QUIET_CURRENT - 3)
    facts = pod_facts(pod(container(cgroup=moving), pause(5)), NODE)

    assert facts["children.anon"] == 100 * MIB + 5
    assert facts["pause"] == 5
    assert facts["other_children"] == 0
    assert facts["moved"] == 3
    assert facts["own.processes"] == 0


def test_a_running_container_that_was_not_measured_leaves_the_children_unknown() -> None:
    facts = pod_facts(pod(container(), UNMEASURED), NODE)

    assert reason(facts, "children.anon") == "container late runs, but its cgroup was not measured"


def test_a_container_that_ended_is_no_child() -> None:
    assert pod_facts(pod(container(), GONE), NODE)["children.anon"] == 100 * MIB


def test_a_pause_container_without_a_number_is_unknown() -> None:
    nameless = Container(name="pause", role="pause", cgroup=Cgroup(path="/p", stat={}))
    facts = pod_facts(pod(container(), nameless), NODE)

    assert reason(facts, "pause") == "memory.current of one of them was not read"


def test_processes_in_the_pods_own_cgroup_count_even_if_they_could_not_be_read() -> None:
    own = ProcessSums(listed=2, read=1, skipped=[SkippedProcess(pid=9)])

    assert pod_facts(pod(own_sums=own), NODE)["own.processes"] == 2


def test_a_pods_sums_are_over_all_of_its_processes_or_unknown() -> None:
    sums = pod_sums(pod(container(), container("b")))
    assert sums is not None
    assert sums.rss_bytes == 2 * (QUIET_SUMS.rss_bytes or 0)
    assert pod_sums(pod(container(), container("b", sums=None))) is None
    assert pod_sums(pod(container(), UNMEASURED)) is None
    assert pod_sums(pod(container(), GONE)) == sums_of_one()


def sums_of_one() -> ProcessSums | None:
    return pod_sums(pod(container()))


def test_app_containers_add_up_as_kubectl_top_adds_them() -> None:
    facts = apps(pod(container(), container("b"), pause(), GONE))

    assert facts["working_set"] == 2 * 157 * MIB


def test_a_pod_of_the_same_container_twice_has_twice_of_everything_and_of_each_end_of_an_interval() -> None:
    one = container(
        cgroup=cgroup(stat={"unevictable": 3 * MIB, "inactive_file": 21 * MIB}, swap=Swap(current_bytes=7)),
        sums=None,
    )
    top = Top(source="x", memory_bytes=5 * MIB + 7)
    once, twice = apps(pod(one, top=top)), apps(pod(one, msgspec.structs.replace(one, name="b"), top=top))
    lazyfree = once.interval("lazyfree")
    assert lazyfree.low < lazyfree.high
    assert twice.interval("lazyfree") == lazyfree + lazyfree
    for name in ADDED_UP:
        if name in once:
            assert twice[name] == 2 * once[name]
    assert {"current", "working_set", "stat.inactive_file", "lazyfree"} <= once.keys() & twice.keys()
    assert (twice["top"], twice["top_raw"]) == (5 * MIB, 5 * MIB + 7)
    children = [pod_facts(pod(*several), NODE)["children.swap"] for several in ([one], [one, one])]
    assert children == [7, 14]


def test_what_the_children_have_in_swap_is_unknown_where_one_of_them_does_not_tell() -> None:
    told, untold = container(cgroup=cgroup(swap=Swap(current_bytes=7))), container("b")
    assert "children.swap" not in pod_facts(pod(told, untold), NODE)
    assert "children.swap" not in pod_facts(pod(told, UNMEASURED), NODE)


def test_what_the_children_hold_is_unknown_where_a_file_of_one_of_them_lacks_it() -> None:
    stat = {"anon": 5}
    for partly in (Cgroup(path="/b", stat=stat), Cgroup(path="/b")):
        facts = pod_facts(pod(container(), container("b", cgroup=partly)), NODE)
        assert reason(facts, "children.file") == "a child cgroup's memory.stat lacks it"
    assert pod_facts(pod(container("b", cgroup=Cgroup(path="/b", stat=stat))), NODE)["children.anon"] == 5


def test_processes_in_the_pods_own_cgroup_are_in_its_sums() -> None:
    own = ProcessSums(listed=1, read=1, rss_bytes=9)
    sums = pod_sums(pod(own_sums=own))
    assert sums is not None
    assert sums.rss_bytes == 9 + (QUIET_SUMS.rss_bytes or 0)
    assert pod_sums(pod(own_sums=None)) == sums_of_one()


def test_a_pod_has_its_own_limits_and_counts_every_cgroup_below_it() -> None:
    own = cgroup(max_bytes=9 * MIB, descendants={"nr_descendants": 2})
    facts = pod_facts(pod(cgroup=own), NODE)
    assert (facts["limit.max"], facts["cgroups"]) == (9 * MIB, 3)


def test_what_lives_in_a_guest_or_elsewhere_says_so_for_each_number() -> None:
    inside = Container(name="app", state="running", inside="in a guest")
    for name in ("stat.anon", "current", "procs.pss"):
        assert reason(container_facts(inside, NODE), name) == "in a guest"
    assert reason(apps(pod(inside)), "current") == "in a guest"
    away = pod_facts(pod(container(elsewhere=True)), NODE)
    assert reason(away, "stat.anon") == reason(away, "current") == ELSEWHERE


def test_a_sum_over_containers_is_unknown_where_one_of_them_is() -> None:
    assert reason(apps(pod(container(), UNMEASURED)), "current").startswith("container late: ")
    no_stat = container("b", cgroup=Cgroup(path="/b", current_bytes=5))
    assert "container b: " in reason(apps(pod(container(), no_stat)), "working_set")
    assert reason(apps(pod(GONE)), "current") == "no container of this pod was measured"


def test_a_container_is_there_if_it_runs_or_was_measured() -> None:
    assert is_there(container())
    assert is_there(UNMEASURED)
    assert not is_there(GONE)
    assert not is_there(msgspec.structs.replace(UNMEASURED, state="waiting"))
