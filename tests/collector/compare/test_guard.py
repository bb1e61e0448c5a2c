from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from memcollect.compare.facts import Facts, Unknown
from memcollect.compare.guard import RULES, judge
from memcollect.compare.model import Difference

MIB = 1 << 20
DIFFERENCE = Difference(
    estimate_bytes=-50 * MIB,
    low_bytes=-52 * MIB,
    high_bytes=-48 * MIB,
    level=0.95,
    n_before=3,
    n_after=3,
)
SIDE: dict[str, Any] = {
    "phase": True,
    "files": frozenset(),
    "missing": (),
    "repeats": 3,
    "status": frozenset({"ok"}),
    "earlier": frozenset(),
    "shared_pods": frozenset(),
    "memory_total": frozenset({8 << 30}),
    "settled": frozenset({True}),
    "settle_rule": frozenset({(MIB, 20.0)}),
    "workload": frozenset({(("after-python", "ab" * 32),)}),
    "pods": frozenset({1}),
    "spread": frozenset({1}),
    "namespaces": frozenset({("deer-flow",)}),
    "cluster": frozenset({frozenset({("uid", "c1"), ("boot", "node-1", "b1")})}),
    "in_the_way": frozenset(),
    "ages": (60.0, 70.0),
    "cgroup_version": frozenset({"v2"}),
    "enforced": frozenset({(("aio", "1 GiB", "max"),)}),
    "not_in_force": frozenset(),
    "slowed": frozenset(),
    "reclaimed": 0,
    "architecture": frozenset({"x86_64"}),
    "kernel": frozenset({"6.1.0"}),
    "thp": frozenset({"madvise"}),
    "swap": frozenset({"off"}),
    "ageing": frozenset({"on"}),
    "merging": frozenset({"off"}),
    "runtime": frozenset({"runc"}),
    "page_size": frozenset({4096}),
    "cpus": frozenset({4}),
    "driver": frozenset({"systemd"}),
    "image": frozenset({(("aio", "sha256:aa"),)}),
    "requests": frozenset({(("aio", ("memory", "256Mi")),)}),
    "limits": frozenset({(("aio", ("memory", "1Gi")),)}),
    "provider": frozenset({"host-cgroup"}),
    "killed": frozenset(),
    "elsewhere": 0,
    "residual": MIB,
    "catalogue": frozenset({"c0" * 32}),
    "tried_image": frozenset({("aio", "sha256:aa")}),
}
GOOD = {
    **{f"baseline.{name}": value for name, value in SIDE.items()},
    **{f"candidate.{name}": value for name, value in SIDE.items()},
    "baseline.label": "aio",
    "baseline.called": frozenset({"aio"}),
    "candidate.label": "cube",
    "candidate.called": frozenset({"cube"}),
    "candidate.evidence_faults": (),
    "candidate.evidence_silent": None,
    "difference": DIFFERENCE,
    "whole_difference": DIFFERENCE,
}
NEEDED = sorted({name for rule in RULES for name in rule.needs})


def _refused(changed: dict[str, Any]) -> dict[str, str]:
    judgements = judge(Facts({**GOOD, **changed}), "backends")
    return {each.rule: each.reason for each in judgements if not each.holds}


def test_with_every_fact_known_and_equal_every_rule_holds() -> None:
    assert _refused({}) == {}


def test_the_guard_needs_every_fact_that_the_test_knows() -> None:
    assert set(GOOD) == set(NEEDED)


@settings(derandomize=True)
@given(st.sets(st.sampled_from(NEEDED), min_size=1), st.booleans())
def test_nothing_is_allowed_while_any_fact_is_unknown(lost: set[str], gone: bool) -> None:  # noqa: FBT001 (drawn)
    facts = {name: value for name, value in GOOD.items() if not (gone and name in lost)}
    facts |= {} if gone else dict.fromkeys(lost, Unknown("nobody wrote it down"))
    judgements = judge(Facts(facts), "backends")
    refused = [each for each in judgements if not each.holds]
    assert refused
    assert all(" is not recorded (" in each.reason for each in refused)
    assert {each.missing for each in refused} <= lost


@pytest.mark.parametrize(
    ("rule", "fact", "other", "words"),
    [
        ("kernel", "kernel", "6.12.1", "different kernel: 6.1.0 against 6.12.1"),
        (
            "settle-rule",
            "settle_rule",
            (MIB, 1.0),
            (
                "different rule of what counts as at rest:"
                " less than 1 MiB in 20 s against less than 1 MiB in 1 s"
            ),
        ),
        ("thp", "thp", "always", "different transparent huge page setting: madvise against always"),
        ("swap", "swap", "on", "different swap: off against on"),
        (
            "ageing",
            "ageing",
            "off",
            "different ageing of pages by generations (MGLRU): on against off",
        ),
        ("merging", "merging", "on", "different merging of equal pages (KSM): off against on"),
        ("page-size", "page_size", 65536, "different page size: 4096 against 65536"),
        ("cpus", "cpus", 8, "different number of CPUs: 4 against 8"),
        ("cgroup-driver", "driver", "cgroupfs", "different cgroup driver: systemd against cgroupfs"),
        ("image", "image", (("aio", "sha256:bb"),), "different image: aio sha256:aa against aio sha256:bb"),
        ("requests", "requests", (("aio",),), "different set of requests: aio memory 256Mi against aio none"),
        (
            "limits",
            "limits",
            (("aio", ("memory", "2Gi")),),
            "different set of limits: aio memory 1Gi against aio memory 2Gi",
        ),
        (
            "top-provider",
            "provider",
            "kata-guest",
            "different provider of kubectl top's number: host-cgroup against kata-guest",
        ),
        ("node-memory", "memory_total", 64 << 30, "nodes of different memory: 64 GiB and 8192 MiB"),
        ("pods", "pods", 50, "different number of pods: 1 against 50"),
        ("spread", "spread", 5, "different number of nodes that the pods were on: 1 against 5"),
        ("cgroup-version", "cgroup_version", "hybrid", "different version of cgroups: v2 against hybrid"),
        (
            "enforced-limits",
            "enforced",
            (("aio", "512 MiB", "max"),),
            (
                "different set of limits in force: aio memory.max 1 GiB, memory.high max"
                " against aio memory.max 512 MiB, memory.high max"
            ),
        ),
    ],
)
def test_a_difference_in_the_circumstances_is_refused_and_named(
    rule: str, fact: str, other: Any, words: str
) -> None:
    tried = {"candidate.tried_image": frozenset(other)} if fact == "image" else {}
    assert _refused({f"candidate.{fact}": frozenset({other}), **tried}) == {rule: words}


def test_a_side_that_is_mixed_in_itself_is_refused_even_if_both_are_alike() -> None:
    mixed = frozenset({"6.1.0", "6.12.1"})
    refused = _refused({"baseline.kernel": mixed, "candidate.kernel": mixed})
    assert refused == {"kernel": "more than one kernel within a side: 6.1.0 or 6.12.1"}


OF_ONE_VALUE: dict[str, Any] = {
    "settle_rule": (MIB, 1.0),
    "workload": (("after-python", "cd" * 32),),
    "pods": 50,
    "spread": 5,
    "namespaces": ("other",),
    "enforced": (("aio", "512 MiB", "max"),),
    "cgroup_version": "hybrid",
    "kernel": "6.12.1",
    "thp": "always",
    "swap": "on",
    "ageing": "off",
    "merging": "on",
    "page_size": 65536,
    "cpus": 8,
    "driver": "cgroupfs",
    "image": (("aio", "sha256:bb"),),
    "requests": (("aio",),),
    "limits": (("aio", ("memory", "2Gi")),),
    "provider": "kata-guest",
    "runtime": "kata",
}


@pytest.mark.parametrize("side", ["baseline", "candidate"])
@pytest.mark.parametrize("fact", OF_ONE_VALUE)
def test_a_side_that_is_mixed_is_refused_where_the_other_is_not(side: str, fact: str) -> None:
    also = {"tried-image"} if fact == "image" else set()  # of one of the two nobody knows what it does
    refused = _refused({f"{side}.{fact}": SIDE[fact] | {OF_ONE_VALUE[fact]}})
    assert len(refused.keys() - also) == 1
    assert also <= refused.keys()


@pytest.mark.parametrize("side", ["baseline", "candidate"])
def test_of_more_than_one_workload_on_a_side_none_is_called_another_order(side: str) -> None:
    mixed = SIDE["workload"] | {OF_ONE_VALUE["workload"]}
    assert _refused({f"{side}.workload": mixed}) == {"workload": "more than one workload within a side"}


def test_the_same_phases_in_another_order_are_another_workload() -> None:
    trail = (("after-bash", "aa" * 32), ("after-python", "bb" * 32))
    both = {"baseline.workload": frozenset({trail}), "candidate.workload": frozenset({trail[::-1]})}
    assert _refused(both)["workload"].startswith("different workload, in another order")


@pytest.mark.parametrize(
    ("low", "high", "holds", "words"),
    [
        (-52 * MIB, -48 * MIB, True, "-52 MiB to -48 MiB"),
        (MIB, 2 * MIB, True, "1 MiB to 2 MiB"),
        (-52 * MIB, 0, False, "-52 MiB to 0 B"),
        (-MIB, MIB, False, "-1 MiB to 1 MiB"),
        (None, None, False, "a single repeat has no interval"),
    ],
)
def test_an_interval_is_told_by_both_its_ends_and_may_not_contain_zero(
    low: int | None, high: int | None, *, holds: bool, words: str
) -> None:
    found = replace(DIFFERENCE, low_bytes=low, high_bytes=high)
    judged = {each.rule: each for each in judge(Facts({**GOOD, "difference": found}), "backends")}
    assert judged["interval"].holds is holds
    assert words in judged["interval"].reason.replace("−", "-")


def test_another_workload_is_refused_with_the_phase_it_differs_in() -> None:
    before = frozenset({(("after-bash", "aa" * 32), ("after-python", "bb" * 32))})
    after = frozenset({(("after-bash", "ac" * 32), ("after-python", "bb" * 32))})
    refused = _refused({"baseline.workload": before, "candidate.workload": after})
    assert refused == {"workload": "different workload in after-bash: it was not the same work on both sides"}


def test_phases_of_one_backend_are_different_work_by_nature() -> None:
    other = {"candidate.workload": frozenset({(("after-node", "cd" * 32),)})}
    assert all(each.holds for each in judge(Facts({**GOOD, **other}), "phases"))


@pytest.mark.parametrize(
    ("changed", "rule", "words"),
    [
        ({"candidate.phase": False}, "phase", "the phase was not measured on the candidate"),
        ({"baseline.repeats": 2}, "repeats", "too few repeats: 2 and 3, at least 3 of each are needed"),
        ({"candidate.status": frozenset({"ok", "timed-out"})}, "status", "did not end well: timed-out"),
        ({"baseline.settled": frozenset({True, False})}, "settled", "had not come to rest on the baseline"),
        (
            {"candidate.missing": ("pod a (no-agent)",)},
            "missing",
            "missing on the candidate: pod a (no-agent)",
        ),
        ({"baseline.files": frozenset({"x.json is missing"})}, "files", "x.json is missing"),
        (
            {"candidate.called": frozenset({"cube", "aio"})},
            "backend",
            "more than one backend is taken together as the candidate: aio and cube",
        ),
        (
            {"baseline.runtime": frozenset({"kata", "runc"})},
            "backend",
            "more than one runtime is taken together as the baseline: kata and runc",
        ),
        (
            {"baseline.called": frozenset({"cube"}), "candidate.called": frozenset({"aio"})},
            "backend",
            "the baseline is labelled aio, which is what the candidate's own run calls it",
        ),
        (
            {"candidate.namespaces": frozenset({("deer-flow",), ("other",)})},
            "namespace",
            "the candidate's repeats were in different namespaces: deer-flow or other",
        ),
        (
            {"baseline.in_the_way": frozenset({"2 cgroups on node-1"})},
            "in-the-way",
            "deleted sandboxes were not gone on the baseline: 2 cgroups on node-1",
        ),
        (
            {"candidate.not_in_force": frozenset({"a, aio: its limit is not in force"})},
            "enforced-limits",
            "limits are not in force as told on the candidate: a, aio: its limit is not in force",
        ),
        (
            {"baseline.slowed": frozenset({"a, pod: memory.high was exceeded once"})},
            "slowed",
            "processes were slowed down on the baseline: a, pod: memory.high was exceeded once",
        ),
        (
            {"baseline.reclaimed": 6 * MIB},
            "reclaimed",
            "the kernel took up to 6 MiB back from a pod; the difference is 50 MiB",
        ),
        (
            {"candidate.ages": (60.0, 36000.0)},
            "age",
            "ages that are not alike: pods had run for 60 s to 600 min, on average of a repeat",
        ),
        (
            {"candidate.cluster": frozenset({frozenset({("uid", "c2"), ("boot", "node-1", "b1")})})},
            "cluster",
            "different clusters: c1 and c2 (UID of kube-system)",
        ),
        (
            {"candidate.cluster": frozenset({frozenset({("boot", "node-1", "b2")})})},
            "cluster",
            "that all was measured in one cluster is not recorded: no id of it, and no machine in common",
        ),
        (
            {"candidate.residual": 50 * MIB},
            "residual",
            "the largest residual of a pod is 50 MiB, the difference 50 MiB",
        ),
    ],
)
def test_what_spoils_a_claim_is_said(changed: dict[str, Any], rule: str, words: str) -> None:
    refused = _refused(changed)
    assert set(refused) == {rule}
    assert words in refused[rule]


@pytest.mark.parametrize("marks", [{("boot", "node-1", "b1")}, {("uid", "c1"), ("boot", "n", "b")}])
def test_one_cluster_is_told_by_its_id_or_by_a_machine_in_the_same_boot(marks: set[tuple[str, ...]]) -> None:
    assert _refused({"candidate.cluster": frozenset({frozenset(marks)})}) == {}


def test_sandboxes_of_two_backends_may_be_in_two_namespaces() -> None:
    assert _refused({"candidate.namespaces": frozenset({("sandboxes",)})}) == {}


@pytest.mark.parametrize(("low", "high", "holds"), [(10, 310, True), (10, 311, False), (900, 1799, True)])
def test_ages_may_differ_by_minutes_or_by_less_than_a_factor(low: int, high: int, *, holds: bool) -> None:
    ages = {"baseline.ages": (float(low), float(low)), "candidate.ages": (float(high), float(high))}
    assert ("age" not in _refused(ages)) is holds


def test_the_phases_of_one_run_follow_one_another_and_may_be_of_any_age() -> None:
    judged = judge(Facts({**GOOD, "candidate.ages": (9000.0, 9000.0)}), "phases")
    assert all(each.holds for each in judged)


def test_a_single_repeat_has_no_interval_and_no_claim() -> None:
    found = Difference(estimate_bytes=-50 * MIB, level=0.95, n_before=1, n_after=3)
    assert _refused({"difference": found}) == {"interval": "a single repeat has no interval"}


@pytest.mark.parametrize(("low", "high"), [(-60, 0), (0, 10), (-60, 10)])
def test_an_interval_that_contains_zero_is_refused(low: int, high: int) -> None:
    found = Difference(
        estimate_bytes=low * MIB or high * MIB,
        low_bytes=low * MIB,
        high_bytes=high * MIB,
        level=0.95,
        n_before=3,
        n_after=3,
    )
    assert "contains 0" in _refused({"difference": found})["interval"]


@pytest.mark.parametrize("side", ["baseline", "candidate"])
def test_evidence_of_another_image_than_was_measured_speaks_for_neither_side(side: str) -> None:
    refused = _refused({f"{side}.tried_image": frozenset({("aio", "sha256:old")})})
    assert refused == {
        "tried-image": f"what was tried of the {side} is another image than was measured:"
        " aio sha256:old against aio sha256:aa"
    }
    more = _refused({f"{side}.tried_image": frozenset({("aio", "sha256:aa"), ("aio", "sha256:old")})})
    assert more["tried-image"].endswith("aio sha256:old against none besides")
