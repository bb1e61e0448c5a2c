"""The shipped guide on two honest backends: what its comparisons carry, and what each rule refuses of it."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from memcollect.compare import Document, Question, compare
from memcollect.compare.guard import RULES
from memcollect.compare.model import Comparison, Pair, PairKind
from memcollect.documents.run import Moment, NodeEvidence, PhaseRun, Planned, Settling
from memcollect.documents.snapshot import Missing, Pod, Runtime, Top
from memcollect.evidence.document import TriedImage
from memcollect.profile.plan.model import Evidence, Plan, Reuse, Scale
from memcollect.profile.plan.parse import parse_plan
from memcollect.profile.plan.shipped import text_of
from memcollect_agent.wire import Pressure
from worlds import compare_builders as build
from worlds.compare_builders import MIB

GUIDE = parse_plan(text_of("guide")[0], "guide")
SINGLE = [each.name for each in GUIDE.phases if not isinstance(each, Reuse | Scale | Evidence)]
CROWD = next(each.name for each in GUIDE.phases if isinstance(each, Scale))


def guide(name: str, more: int = 0, plan: Plan = GUIDE) -> Document:
    """Return a run of the guide: every phase 4 MiB above the one before, `more` bytes in all of them.

    Each phase is at rest by the rule that the plan has for it. The crowd has ten pods.
    """
    sizes = {
        phase: [(100 + 4 * place) * MIB + more + noise for noise in (0, 4096, 8192)]
        for place, phase in enumerate([*SINGLE, CROWD])
    }
    run = build.run(name, sizes)
    assert run.manifest is not None
    rules = {each.name: each.settle or plan.settle for each in plan.phases}
    phases = [
        msgspec.structs.replace(
            each,
            settling=Settling(
                settled=True,
                within_bytes=int(rules[each.phase].within),
                for_seconds=float(rules[each.phase].over),
            ),
            step=10 if each.phase == CROWD else None,
        )
        for each in run.manifest.phases
    ]
    planned = msgspec.structs.replace(run.manifest.plan, steps=[10])
    manifest = msgspec.structs.replace(run.manifest, phases=phases, plan=planned)
    return crowded(msgspec.structs.replace(run, manifest=manifest))


def crowded(run: Document) -> Document:
    """Return the run with ten pods in each snapshot of the crowd."""

    def ten(path: str, pods: list[Pod]) -> list[Pod]:
        return [
            msgspec.structs.replace(pods[0], uid=f"uid-{run.name}-{path}-{n}", name=f"sandbox-{n}")
            for n in range(10)
        ]

    return of_snapshots(run, ten, CROWD)


def of_snapshots(
    run: Document, change: Callable[[str, list[Pod]], list[Pod]], phase: str, **more: Any
) -> Document:
    """Return the run with the pods of the phase's snapshots changed."""
    snapshots = {
        path: build.snapshot(
            *change(path, each.pods), sample=each.sample, captured_at=each.captured_at, **more
        )
        if path.startswith(f"snapshots/{phase}-")
        else each
        for path, each in run.snapshots.items()
    }
    return msgspec.structs.replace(run, snapshots=snapshots)


def refused(comparison: Comparison, kind: PairKind) -> Mapping[str, list[str]]:
    """Return the rules that refuse, by the candidate's phase."""
    return {
        each.candidate.phase.name: [rule.rule for rule in each.refusals]
        for each in comparison.pairs
        if each.kind == kind
    }


def test_the_guide_rests_by_more_than_one_rule() -> None:
    # Otherwise the tests below would hold whatever the guard made of that.
    assert len({each.settle or GUIDE.settle for each in GUIDE.phases}) > 1


def test_two_honest_backends_carry_a_claim_in_every_phase() -> None:
    comparison = compare([guide("one"), guide("two", more=20 * MIB)], Question())
    assert refused(comparison, "backends") == {name: [] for name in (*SINGLE, CROWD)}
    assert comparison.verdict.startswith("empty, two against one: 20 MiB more working set per pod")


def test_what_the_guide_s_phases_add_within_one_run_is_claimed_but_for_another_number_of_pods() -> None:
    comparison = compare([guide("one")], Question())
    expected: dict[str, list[str]] = {name: [] for name in SINGLE[1:]}
    assert refused(comparison, "phases") == {**expected, CROWD: ["pods"]}
    assert comparison.verdict.startswith(f"one, {SINGLE[-1]} against {SINGLE[0]}: 16 MiB more working set")
    assert comparison.verdict.endswith("Nothing may be claimed of the other comparison, nor of the whole.")


def test_within_one_run_what_moves_by_no_more_than_either_phase_allows_is_no_claim() -> None:
    run = guide("one")
    assert run.manifest is not None
    loose = Settling(settled=True, within_bytes=64 * MIB, for_seconds=60.0)
    phases = [
        msgspec.structs.replace(each, settling=loose) if each.phase == SINGLE[0] else each
        for each in run.manifest.phases
    ]
    wide = msgspec.structs.replace(run, manifest=msgspec.structs.replace(run.manifest, phases=phases))
    assert set(map(tuple, refused(compare([wide], Question()), "phases").values())) == {
        ("movement",),
        ("pods", "movement"),
    }


# From here on: two runs of which one rule's circumstance alone differs.
PHASE = "after-python"
ANON = {"empty": [100 * MIB, 100 * MIB, 101 * MIB], PHASE: [250 * MIB, 251 * MIB, 252 * MIB]}


def candidate(anon: Mapping[str, list[int]] = ANON, **more: Any) -> Document:
    return build.run("cube", anon, **more)


def on(**node: Any) -> Document:
    return candidate(node=msgspec.structs.replace(build.NODE, **node))


def phase_with(name: str = PHASE, **changed: Any) -> Document:
    """Return the candidate with one phase's record changed in every repeat."""
    run = candidate()
    assert run.manifest is not None
    phases: list[PhaseRun] = [
        msgspec.structs.replace(each, **changed) if each.phase == name else each
        for each in run.manifest.phases
    ]
    return msgspec.structs.replace(run, manifest=msgspec.structs.replace(run.manifest, phases=phases))


def pods_with(change: Callable[[Pod], Pod]) -> Document:
    return of_snapshots(candidate(), lambda _, pods: [change(each) for each in pods], PHASE)


def twins(_: str, pods: list[Pod]) -> list[Pod]:
    return [*pods, msgspec.structs.replace(pods[0], uid=f"{pods[0].uid}-b", name="sandbox-2")]


def on_two_nodes(run: Document, phase: str) -> Document:
    """Return the run with the second pod of the phase's snapshots, if there is one, on a node of its own."""

    def apart(_: str, pods: list[Pod]) -> list[Pod]:
        return [
            msgspec.structs.replace(each, node="node-2") if place == 1 else each
            for place, each in enumerate(pods)
        ]

    nodes = [build.NODE, msgspec.structs.replace(build.NODE, name="node-2", boot_id="b2")]
    return of_snapshots(run, apart, phase, nodes=nodes)


def some_elsewhere(pod: Pod) -> Pod:
    """Return the pod in another namespace, but for the first repeat's."""
    return pod if pod.uid.endswith("-1") else msgspec.structs.replace(pod, namespace="other")


def with_reclaim(pod: Pod) -> Pod:
    assert pod.cgroup is not None
    stat = {**(pod.cgroup.stat or {}), "pgsteal": 40 * MIB // 4096}
    return msgspec.structs.replace(pod, cgroup=msgspec.structs.replace(pod.cgroup, stat=stat))


def some_in_gvisor(pod: Pod) -> Pod:
    """Return the pod in another runtime, but for the first repeat's."""
    return pod if pod.uid.endswith("-1") else msgspec.structs.replace(pod, runtime=Runtime(family="gvisor"))


def restarted(pod: Pod) -> Pod:
    (container,) = pod.containers
    return msgspec.structs.replace(pod, containers=[msgspec.structs.replace(container, restarts=1)])


def in_huge_pages(pod: Pod) -> Pod:
    assert pod.cgroup is not None
    cgroup = msgspec.structs.replace(pod.cgroup, hugetlb={"2MB": 40 * MIB})
    return msgspec.structs.replace(pod, cgroup=cgroup)


def unexplained(pod: Pod) -> Pod:
    """Return the pod with 60 MiB in its container's charge, and its own, that no counter names."""
    (container,) = pod.containers
    assert container.cgroup is not None
    assert container.cgroup.current_bytes is not None
    assert pod.cgroup is not None
    assert pod.cgroup.current_bytes is not None
    more = 60 * MIB
    own = msgspec.structs.replace(container.cgroup, current_bytes=container.cgroup.current_bytes + more)
    whole = msgspec.structs.replace(pod.cgroup, current_bytes=pod.cgroup.current_bytes + more)
    return msgspec.structs.replace(
        pod, cgroup=whole, containers=[msgspec.structs.replace(container, cgroup=own)]
    )


SPOILT: dict[str, Callable[[], Document]] = {
    "phase": lambda: candidate({"empty": ANON["empty"]}),
    "backend": lambda: pods_with(some_in_gvisor),
    "files": lambda: msgspec.structs.replace(candidate(), problems=["x.json is not as the run left it"]),
    "missing": lambda: phase_with(
        missing=[Missing(kind="pod", name="a/b", reason="no-agent", detail="its node has no agent")]
    ),
    "repeats": lambda: candidate({name: sizes[:2] for name, sizes in ANON.items()}),
    "status": lambda: phase_with(status="timed-out"),
    "earlier": lambda: phase_with("empty", status="timed-out"),
    "own-pods": lambda: candidate(of_pod={"uid": "uid-of-all"}),
    "cluster": lambda: on(boot_id="b2"),
    "namespace": lambda: pods_with(some_elsewhere),
    "spread": lambda: on_two_nodes(of_snapshots(candidate(), twins, PHASE), PHASE),
    "in-the-way": lambda: phase_with(
        "empty", nodes=[NodeEvidence(node=build.NODE.name, moment="after", taken_at=1.0, leftover_cgroups=2)]
    ),
    "enforced-limits": lambda: candidate(of_pod={"held": {"max_bytes": 512 * MIB}}),
    "cgroup-version": lambda: on(cgroup_version="hybrid"),
    "slowed": lambda: candidate(of_pod={"events": {"high": 3, "max": 0, "oom_kill": 0}}),
    "reclaimed": lambda: pods_with(with_reclaim),
    "age": lambda: candidate(of_pod={"started_at": "2025-12-31T23:00:00Z"}),
    "settled": lambda: phase_with(settling=Settling(settled=False, within_bytes=MIB, for_seconds=20.0)),
    "settle-rule": lambda: phase_with(settling=Settling(settled=True, within_bytes=MIB, for_seconds=1.0)),
    "workload": lambda: candidate(workload="2"),
    "pods": lambda: of_snapshots(candidate(), twins, PHASE),
    "architecture": lambda: on(architecture="aarch64"),
    "kernel": lambda: on(kernel="6.12.1"),
    "thp": lambda: on(transparent_hugepage="always"),
    "swap": lambda: on(swap_devices=1),
    "ageing": lambda: on(lru_gen=False),
    "merging": lambda: on(ksm_run=1),
    "node-memory": lambda: on(meminfo={"MemAvailable": 5 << 30, "MemTotal": 16 << 30}),
    "page-size": lambda: on(page_size_bytes=65536),
    "cpus": lambda: on(cpus=2),
    "cgroup-driver": lambda: candidate(of_pod={"driver": "cgroupfs"}),
    "image": lambda: candidate(of_pod={"image": "sha256:bb"}),
    "requests": lambda: candidate(of_pod={"requests": {}}),
    "limits": lambda: candidate(of_pod={"limits": {"memory": "2Gi"}}),
    "top-provider": lambda: candidate(
        of_pod={"top": Top(source="metrics.k8s.io", memory_bytes=250 * MIB, provider="kata-guest")}
    ),
    "residual": lambda: pods_with(unexplained),
    "killed": lambda: pods_with(restarted),
    "elsewhere": lambda: pods_with(in_huge_pages),
    "movement": lambda: candidate({**ANON, PHASE: [each + 50 * MIB - 600_000 for each in ANON[PHASE]]}),
    "interval": lambda: candidate({**ANON, PHASE: [280 * MIB, 290 * MIB, 340 * MIB]}),
    "evidence": lambda: candidate(evidence=[build.evidence_of("cube", {"Isolation": "fails"})]),
    "tried-image": lambda: candidate(
        evidence=[
            build.evidence_of(
                "cube", images=[TriedImage(container="aio", image="aio:1", image_id="sha256:old")]
            )
        ]
    ),
    "whole-pod": lambda: candidate(of_pod={"outside": 50 * MIB}),
}
ALSO = {
    "swap": {"elsewhere"},  # what these pods have swapped out is not told
    "spread": {"pods"},  # one pod cannot be on two nodes
    "status": {"missing"},  # a phase that ended badly is said to be missing, too
    "movement": {"interval"},  # so small a difference lies within the repeats' own spread here
}


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda: candidate(evidence=[build.evidence_of("aio")]),
        lambda: candidate(evidence=[build.evidence_of("cube", run_id="yesterday")]),
        lambda: candidate(plan=Planned(name="g", sha256="9f", phases=[*ANON], repeats=1)),
    ],
    ids=["another-backend", "another-run", "chosen-repeats"],
)
def test_a_run_that_contradicts_itself_as_a_whole_carries_no_claim(spoilt: Callable[[], Document]) -> None:
    pair = pair_of(compare([baseline(), spoilt()], Question()))
    assert [each.rule for each in pair.refusals] == ["missing"]


def test_a_crowd_on_more_nodes_pays_more_often_for_the_same_cache() -> None:
    pair = [guide("one"), on_two_nodes(guide("two", more=20 * MIB), CROWD)]
    assert refused(compare(pair, Question()), "backends")[CROWD] == ["spread"]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_what_was_left_after_all_was_measured_is_in_nobodys_way(moment: Moment) -> None:
    late = NodeEvidence(node=build.NODE.name, moment=moment, taken_at=2e9, leftover_cgroups=2)
    assert pair_of(compare([baseline(), phase_with(nodes=[late])], Question())).refusals == []


@pytest.mark.parametrize("state", ["terminated", "waiting"])
def test_a_pod_whose_main_container_does_not_run_is_no_small_one(state: str) -> None:
    pair = pair_of(compare([baseline(), candidate(of_pod={"state": state})], Question()))
    assert [each.rule for each in pair.refusals] == ["killed"]


def test_time_lost_by_waiting_for_memory_refuses_where_the_kernel_tells_it() -> None:
    def waiting(percent: float) -> Document:
        some = {"some": Pressure(avg10=percent, avg60=percent, avg300=0.0, total=1)}

        def stalled(pod: Pod) -> Pod:
            assert pod.cgroup is not None
            return msgspec.structs.replace(pod, cgroup=msgspec.structs.replace(pod.cgroup, pressure=some))

        return pods_with(stalled)

    refused_of = {
        percent: [each.rule for each in pair_of(compare([baseline(), waiting(percent)], Question())).refusals]
        for percent in (9.0, 40.0)
    }
    assert refused_of == {9.0: [], 40.0: ["slowed"]}


def test_a_kill_that_only_the_pod_still_counts_refuses_as_well() -> None:
    def killed(pod: Pod) -> Pod:
        assert pod.cgroup is not None
        cgroup = msgspec.structs.replace(pod.cgroup, events={"oom_kill": 1})
        return msgspec.structs.replace(pod, cgroup=cgroup)

    (refusal,) = pair_of(compare([baseline(), pods_with(killed)], Question())).refusals
    assert refusal.rule == "killed"
    assert refusal.reason.endswith("on the candidate: sandbox-1 lost a process to the OOM killer")


def test_a_limit_that_the_kernel_does_not_hold_is_none_though_both_sides_are_told_the_same() -> None:
    held = {"max_bytes": "max", "read_at": 1.0e9 * 2}
    both = [build.run(name, ANON, of_pod={"held": held}) for name in ("aio", "cube")]
    (judged,) = [e for e in pair_of(compare(both, Question())).refusals if e.rule == "enforced-limits"]
    assert judged.reason.startswith("limits are not in force as told on the baseline: sandbox-1, aio: Its")


@pytest.mark.parametrize("phase", ["Succeeded", "Failed", "Pending"])
def test_a_pod_that_does_not_run_is_no_small_one(phase: str) -> None:
    pair = pair_of(compare([baseline(), candidate(of_pod={"phase": phase})], Question()))
    assert [each.rule for each in pair.refusals] == ["killed"]


def pair_of(comparison: Comparison) -> Pair:
    (found,) = [e for e in comparison.pairs if e.kind == "backends" and e.candidate.phase.name == PHASE]
    return found


def baseline() -> Document:
    return build.run("aio", {**ANON, PHASE: [each + 50 * MIB for each in ANON[PHASE]]})


def test_without_such_a_circumstance_there_is_a_claim() -> None:
    assert pair_of(compare([baseline(), candidate()], Question())).refusals == []


def test_each_of_the_rules_has_its_circumstance() -> None:
    assert set(SPOILT) == {rule.name for rule in RULES}
    assert len(SPOILT) == 43


@pytest.mark.parametrize("rule", SPOILT)
def test_a_rule_refuses_for_its_circumstance_and_no_other_does(rule: str) -> None:
    pair = pair_of(compare([baseline(), SPOILT[rule]()], Question()))
    assert {each.rule for each in pair.refusals} == {rule, *ALSO.get(rule, set())}
    assert not pair.allowed
    assert pair.claim == ""
