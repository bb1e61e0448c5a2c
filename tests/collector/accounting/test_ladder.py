import msgspec

from memcollect.accounting.ladder import container_ladder, pod_ladder
from memcollect.accounting.scopes import app_facts, container_facts, pod_facts
from memcollect.documents.snapshot import Container, Ladder, Pod, Top
from memcollect.join.roles import app_containers
from memcollect_agent.wire import SkippedProcess
from worlds.builders import MIB, NODE, QUIET_SUMS, cgroup, container, pause, pod


def climbed(row: Container) -> Ladder:
    return container_ladder(container_facts(row, NODE), row.top)


def climbed_pod(row: Pod) -> Ladder:
    apps = [(each, container_facts(each, NODE)) for each in app_containers(row)]
    return pod_ladder(pod_facts(row, NODE), app_facts(row, apps), row.top)


def numbers(ladder: Ladder) -> list[tuple[str, int | None]]:
    return [(rung.rung, None if rung.bytes is None else rung.bytes // MIB) for rung in ladder.rungs]


def arrows(ladder: Ladder) -> list[tuple[str, str]]:
    return [(step.from_rung, step.to_rung) for step in ladder.steps]


def test_a_container_climbs_from_ps_to_the_working_set() -> None:
    ladder = climbed(container())

    assert numbers(ladder) == [("rss", 130), ("pss", 120), ("current", 177), ("working_set", 157)]
    assert all(step.closed and step.residual.estimate_bytes == 0 for step in ladder.steps)


def test_every_byte_between_the_processes_and_the_charge_has_an_owner() -> None:
    step = climbed(container()).steps[1]

    assert {term.term: term.estimate_bytes // MIB for term in step.terms} == {
        "unmapped_shmem": 8,
        "unmapped_cache": 32,
        "slab_reclaimable": 3,
        "slab_unreclaimable": 2,
        "kernel_stack": 1,
        "page_tables": 4,
        "percpu": 1,
        "other_kernel": 1,
        "sock": 5,
    }


def test_a_rung_without_a_number_stays_with_its_reason_and_without_steps() -> None:
    ladder = climbed(container(sums=None))

    assert numbers(ladder)[:2] == [("rss", None), ("pss", None)]
    assert ladder.rungs[0].reason == "the processes were not read"
    assert arrows(ladder) == [("current", "working_set")]


def test_sums_over_a_part_of_the_processes_say_so() -> None:
    part = msgspec.structs.replace(QUIET_SUMS, listed=2, skipped=[SkippedProcess(pid=7, rss_bytes=MIB)])

    rss, pss = climbed(container(sums=part)).rungs[:2]
    assert rss.bytes == (QUIET_SUMS.rss_bytes or 0) + MIB
    assert pss.source.endswith(", without 1 that could not be read")
    assert "could not" not in rss.source + climbed(container()).rungs[1].source


def test_the_step_from_rss_to_pss_names_the_processes_without_pss() -> None:
    part = msgspec.structs.replace(QUIET_SUMS, listed=2, skipped=[SkippedProcess(pid=7, rss_bytes=MIB)])

    step = climbed(container(sums=part)).steps[0]
    assert {term.term: term.estimate_bytes for term in step.terms}["unread_processes"] == -MIB
    assert step.closed


def test_with_history_the_sample_is_reached_in_two_steps() -> None:
    top = Top(
        source="metrics.k8s.io",
        memory_bytes=150 * MIB + 9,
        working_set_at_sample_bytes=150 * MIB,
        tolerance_bytes=10,
    )
    ladder = climbed(container(top=top))

    assert arrows(ladder)[-2:] == [("working_set", "working_set_at_sample"), ("working_set_at_sample", "top")]
    assert [term.term for step in ladder.steps[-2:] for term in step.terms] == ["drift", "rounding"]
    assert ladder.steps[-1].residual.estimate_bytes == 9
    assert ladder.steps[-1].closed


def test_a_sample_beyond_its_tolerance_leaves_the_last_step_open() -> None:
    top = Top(source="x", memory_bytes=170 * MIB, working_set_at_sample_bytes=150 * MIB, tolerance_bytes=10)

    assert not climbed(container(top=top)).steps[-1].closed


def test_without_history_the_step_to_kubectl_top_is_open() -> None:
    ladder = climbed(container(top=Top(source="demo", memory_bytes=150 * MIB)))

    assert arrows(ladder)[-1] == ("working_set", "top")
    assert not ladder.steps[-1].closed
    assert ladder.rungs[-1].source == "kubectl top (demo)"


def test_a_pod_climbs_by_its_own_cgroup_and_then_by_its_containers() -> None:
    row = pod(container(), pause(MIB))
    ladder = climbed_pod(row)

    assert numbers(ladder) == [
        ("rss", 130),
        ("pss", 120),
        ("pod_current", 178),
        ("current", 177),
        ("working_set", 157),
    ]
    assert [term.term for term in ladder.steps[2].terms] == ["pause"]
    assert ladder.steps[2].closed


def test_a_pods_last_step_is_what_its_containers_have_on_the_inactive_list() -> None:
    step = climbed_pod(pod(container(), pause(MIB))).steps[3]
    assert (step.from_rung, step.to_rung, step.gap_bytes) == ("current", "working_set", -20 * MIB)
    assert step.closed


def test_without_steps_the_rungs_are_the_same() -> None:
    row = pod(container(top=Top(source="metrics.k8s.io", memory_bytes=150 * MIB)), pause(MIB))
    one, facts = row.containers[0], container_facts(row.containers[0], NODE)
    assert container_ladder(facts, one.top, steps=False) == Ladder(rungs=climbed(one).rungs)
    apps = app_facts(row, [(one, facts)])
    ladder = pod_ladder(pod_facts(row, NODE), apps, row.top, steps=False)
    assert ladder == Ladder(rungs=climbed_pod(row).rungs)


def test_a_pods_step_stays_open_where_a_running_container_was_not_measured() -> None:
    row = pod(container(), Container(name="late", state="running"))

    assert "current" not in [arrow[1] for arrow in arrows(climbed_pod(row))]
    assert numbers(climbed_pod(row))[3] == ("current", None)


def test_a_working_set_stopped_at_zero_still_closes() -> None:
    ladder = climbed(container(cgroup=cgroup(5 * MIB, {"inactive_file": 6 * MIB})))

    assert numbers(ladder)[-1] == ("working_set", 0)
    assert ladder.steps[-1].closed
