import re

import msgspec
import pytest
from rich.cells import cell_len

from memcollect.documents.snapshot import Container, Ladder, Snapshot, Step, Summary, Term
from memcollect.reporters import table
from memcollect.reporters.words import AUTO_DETAILS
from worlds import sample_snapshots as samples


def _rich_snapshot() -> Snapshot:
    pods = [samples.pod(), samples.hostile_pod(), samples.pod("x" * 300)]
    return samples.snapshot(*pods, sample=samples.HOSTILE, missing=[samples.missing_pod(samples.HOSTILE)])


@pytest.mark.parametrize("width", [80, 97, 120])
@pytest.mark.parametrize("full", [False, True])
def test_no_line_is_wider_than_the_terminal(width: int, full: bool) -> None:  # noqa: FBT001 (a parameter of the test)
    text = table.render(_rich_snapshot(), width=width, full=full)
    assert max(cell_len(line) for line in text.splitlines()) <= width


def test_hostile_names_reach_the_terminal_as_text() -> None:
    text = table.render(_rich_snapshot(), color=False)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert r"\x1b[31mred" in text


def test_colour_is_there_only_where_it_was_asked_for() -> None:
    plain, colored = table.render(samples.snapshot()), table.render(samples.snapshot(), color=True)
    assert "\x1b[" not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == plain


def test_rich_markup_in_a_name_is_text() -> None:
    assert "[bold]x[/bold]" in table.render(samples.snapshot(samples.pod("[bold]x[/bold]")))


def test_many_pods_are_a_table_unless_details_are_asked_for() -> None:
    snapshot = samples.snapshot(*[samples.pod(f"p{index}") for index in range(AUTO_DETAILS + 1)])
    assert "Working set, " not in table.render(snapshot)
    assert table.render(snapshot, details="all").count("From the processes to kubectl top") == 9


def test_without_details_even_a_single_pod_is_in_the_table() -> None:
    text = table.render(samples.snapshot(), details="none")
    assert "Working set, " not in text
    assert re.search(r"^deer.*x2x9k +1000Mi +1012Mi", text, re.MULTILINE)


def test_a_residual_outside_its_bound_is_never_left_out() -> None:
    assert "OUTSIDE its bound" in table.render(samples.snapshot())


def test_a_rung_without_a_number_shows_the_reason() -> None:
    text = table.render(samples.snapshot())
    assert re.search(r"working set at sample +\? +no history is kept here", text)


def test_evidence_is_whole_in_the_full_report() -> None:
    evidence = "Σ of " + " and ".join(f"fact{index}" for index in range(30))
    step = samples.ladder().steps[0]
    term = Term(
        term="double_counted",
        low_bytes=-1,
        high_bytes=-1,
        estimate_bytes=-1,
        confidence="measured",
        evidence=evidence,
    )
    step = Step(
        from_rung="rss", to_rung="pss", gap_bytes=-1, terms=[term], residual=step.residual, closed=True
    )
    ladder = Ladder(rungs=samples.ladder().rungs, steps=[step])
    text = table.render(samples.snapshot(samples.pod(ladder=ladder)), full=True)
    assert evidence in " ".join(text.split())


def test_pods_are_told_in_the_order_of_the_overview() -> None:
    small = msgspec.structs.replace(samples.composition(), working_set_bytes=1)
    pods = [samples.pod("small", composition=small), samples.pod("large")]
    text = table.render(samples.snapshot(*pods))
    assert re.findall(r"^deer-flow/(\w+)$", text, re.MULTILINE) == ["large", "small"]


def test_an_empty_document_is_a_heading_only() -> None:
    text = table.render(samples.snapshot(pods=[], summary=Summary(), notes=[]))
    assert "0 of 0 pods measured" in text


def test_a_pod_without_numbers_still_stands_in_the_report() -> None:
    bare = samples.pod("bare", composition=None, ladder=None, top=None, verdict="Not measured.")
    text = table.render(samples.snapshot(samples.pod(), bare))
    assert re.search(r"bare +\? +\? +\? +\?", text)
    assert "Not measured." in text


@pytest.mark.parametrize(
    ("role", "state", "said"),
    [
        ("init", "terminated", "an init container that has ended"),
        ("container", "terminated", "it has ended"),
        ("container", "waiting", "it has not started"),
        ("container", None, "no numbers"),
    ],
)
def test_a_container_without_numbers_says_why_as_far_as_it_is_known(
    role: str, state: str | None, said: str
) -> None:
    pod = samples.pod("x")
    gone = Container(name="seed", role=role, state=state)
    pod = msgspec.structs.replace(pod, containers=[*pod.containers, gone])
    assert f"\nContainer seed: {said}\n" in table.render(samples.snapshot(pod), full=True)
    assert re.search(rf"\n  seed +{said}\n", table.render(samples.snapshot(pod)))
