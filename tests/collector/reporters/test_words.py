import msgspec
import pytest

from memcollect.accounting import charge
from memcollect.accounting.rules import TermRule
from memcollect.documents.snapshot import Finding, Pod, Scope, Top, Undecided
from memcollect.explain.parts import PARTS
from memcollect.reporters import words
from memcollect.reporters.html.colours import CLASSES
from memcollect.reporters.terminal import composition, ladder
from memcollect_agent.wire import Cgroup
from worlds import sample_snapshots as samples

CHARGED = (*charge.KERNEL_RULES, *charge.DETACHED_RULES)


@pytest.mark.parametrize("label", words.TERMS.values())
def test_every_term_fits_its_column(label: str) -> None:
    assert len(label) <= min(composition.LABEL_WIDTH - 1, ladder.LABEL_WIDTH - 2)


@pytest.mark.parametrize("rule", CHARGED, ids=lambda rule: rule.term)
def test_every_term_of_a_charge_has_a_label_a_colour_and_a_part_of_the_verdict(rule: TermRule) -> None:
    assert rule.term in words.TERMS
    assert rule.term in CLASSES
    assert any(rule.term in part.terms for part in PARTS)


def test_an_unknown_term_is_called_by_its_own_name() -> None:
    assert words.term_label("new_\x1bterm") == r"new \x1bterm"


def test_many_open_questions_of_one_reason_are_told_once() -> None:
    undecided = [
        Undecided(name="sock", missing="stat.sock", reason="no such line"),
        Undecided(name="shmem", missing="stat.shmem", reason="no such line"),
        Undecided(name="anon", missing="lazyfree", reason="not read"),
    ]
    assert words.undecided_by_reason(undecided) == [
        (["kernel: socket buffers", "tmpfs and shm"], ["stat.sock", "stat.shmem"], "no such line"),
        (["anonymous memory"], ["lazyfree"], "not read"),
    ]


def test_the_gravest_finding_comes_first_and_then_the_largest() -> None:
    small = Finding(cause="a", scope="pod", sentence="", estimate_bytes=1)
    large = Finding(cause="b", scope="pod", sentence="", estimate_bytes=-5)
    grave = Finding(cause="c", scope="pod", sentence="", severity="critical")
    assert words.findings_by_weight([small, large, grave]) == [grave, large, small]


def test_a_page_is_called_by_its_sample_or_by_what_is_on_it() -> None:
    named, one = samples.snapshot(), msgspec.structs.replace(samples.snapshot(), sample="unspecified")
    assert words.subject(named) == (named.sample, True)
    assert words.subject(one) == (words.pod_name(one.pods[0]), True)
    assert words.subject(msgspec.structs.replace(one, pods=one.pods * 2)) == ("2 pods", False)
    assert words.subject(msgspec.structs.replace(one, pods=[])) == ("0 pods", False)
    services = [samples.pod("a.service", kind="service"), samples.pod("b.service", kind="service")]
    assert words.subject(msgspec.structs.replace(one, pods=services)) == ("2 groups", False)
    assert "Sample" in dict(words.heading(named))
    assert "Sample" not in dict(words.heading(one))


def test_a_residual_outside_its_bound_says_so_aloud() -> None:
    residual = samples.ladder().steps[1].residual
    assert words.residual_note(residual) == "OUTSIDE its bound, −1.0 MiB to 1.0 MiB"


def test_a_pod_is_described_by_what_is_known_only() -> None:
    assert words.pod_facts(samples.pod()) == ["Burstable", "Running", "runc", "node worker-1"]
    assert words.pod_facts(samples.pod(phase=None, qos_class=None, kind="service")) == [
        "service",
        "runc",
        "node worker-1",
    ]


def test_services_are_not_called_pods() -> None:
    snapshot = samples.snapshot(samples.pod(kind="service"))
    assert ("Pods", "1 of 1 groups measured") in words.heading(snapshot)


def test_kubectl_tops_number_comes_with_its_age_and_whether_it_agrees() -> None:
    top = Top(
        source="metrics.k8s.io",
        timestamp=100.0,
        memory_bytes=64 << 20,
        status="drifted",
        detail="it has grown by 3.0 MiB since",
        working_set_at_sample_bytes=64 << 20,
        tolerance_bytes=256 << 10,
    )
    pod = Pod(uid="u", name="p", top=top, cgroup=Cgroup(path="/p", current_read_at=112.0))
    assert words.top_sentence(pod) == (
        "kubectl top: 64.0 MiB, sampled 12 s before; our own reading then: 64.0 MiB ±256.0 KiB;"
        " it has grown by 3.0 MiB since."
    )


def test_a_pod_that_kubectl_top_does_not_show_says_why() -> None:
    pod = Pod(uid="u", name="p", top=Top(source="metrics.k8s.io", status="no-metrics", detail="too young"))
    assert words.top_sentence(pod) == "kubectl top shows nothing: too young."


@pytest.mark.parametrize(
    ("pods", "scope", "shown"),
    [
        (8, Scope(), True),
        (9, Scope(), False),
        (32, Scope(processes=True), True),
        (33, Scope(processes=True), False),
    ],
)
def test_where_processes_were_asked_for_more_pods_are_shown_in_full(
    pods: int,
    scope: Scope,
    shown: bool,  # noqa: FBT001 -- a row of the table
) -> None:
    snapshot = samples.snapshot(*[samples.pod(f"p{index}") for index in range(pods)])
    asked = msgspec.structs.replace(snapshot, scope=scope)
    assert words.shows_details(asked, "auto") is shown
