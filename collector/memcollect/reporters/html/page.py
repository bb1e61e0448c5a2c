"""A snapshot as a page: the whole, what is missing, the pods side by side, then each in full. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from memcollect.reporters.columns import by_size
from memcollect.reporters.groups import MOST_NAMES, missing_groups, subtotals, whose
from memcollect.reporters.html.document import document
from memcollect.reporters.html.markup import NOTHING, Markup, element, items, joined, name_of
from memcollect.reporters.html.node import account_section
from memcollect.reporters.html.overview import looks, overview, subtotals_part
from memcollect.reporters.html.pod import pod_section
from memcollect.reporters.words import heading, is_of_nodes, shows_details

if TYPE_CHECKING:
    from memcollect.documents.snapshot import Missing, Snapshot
    from memcollect.reporters.words import Details


def render(snapshot: Snapshot, *, details: Details = "auto") -> str:
    """Return the page; `details` says whether pods are shown one by one.

    "all": in full; "none": not at all; "auto": in full where they are few, otherwise folded up.
    """
    return document(f"Memory of {snapshot.sample}", _body(snapshot, details))


def _body(snapshot: Snapshot, details: Details) -> Iterator[Markup]:
    pods = sorted(snapshot.pods, key=by_size)
    anchors = {} if details == "none" else {id(pod): f"pod-{number}" for number, pod in enumerate(pods, 1)}
    folded = not shows_details(snapshot, details)
    yield _header(snapshot)
    yield element(
        "main",
        _missing(snapshot.missing),
        *(account_section(each, f"node-{number}") for number, each in enumerate(snapshot.accounts, 1)),
        looks(pods, anchors) if len(pods) > 1 else "",
        overview(pods, anchors) if (len(pods) > 1 or not anchors) and not is_of_nodes(snapshot) else "",
        *(part for group in subtotals(snapshot) for part in subtotals_part(*group)),
        *(pod_section(pod, anchors[id(pod)], folded=folded) for pod in pods if anchors),
        _notes(snapshot.notes),
    )
    yield _footer(snapshot)


def _header(snapshot: Snapshot) -> Markup:
    facts = [
        joined([element("dt", label), element("dd", text)])
        for label, text in heading(snapshot)
        if label != "Sample"
    ]
    title = element("h1", "Memory of ", name_of(snapshot.sample))
    return element("header", title, element("dl", *(element("div", fact) for fact in facts)))


def _missing(missing: Sequence[Missing]) -> Markup:
    if not missing:
        return NOTHING
    groups = [_missing_group(first, names) for first, names in missing_groups(missing)]
    title = element("h2", f"Asked for and not measured ({len(missing)})")
    return element("section", title, items(groups), class_="missing")


def _missing_group(first: Missing, names: Sequence[str]) -> Markup:
    where = f" on {first.node}" if first.node else ""
    sentence = [whose(first, names), f"{where} ({first.reason}): {first.detail}"]
    if len(names) <= MOST_NAMES:
        return joined(sentence)
    summary = element("summary", f"all {len(names)}")
    return joined([*sentence, element("details", summary, items(map(name_of, names)))])


def _notes(notes: Sequence[str]) -> Markup:
    return element("section", element("h2", "Notes"), items(notes)) if notes else NOTHING


def _footer(snapshot: Snapshot) -> Markup:
    tool = snapshot.tool
    return element("footer", f"{tool.name} {tool.version}, {snapshot.captured_at}")
