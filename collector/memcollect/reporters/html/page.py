"""A snapshot as a page: the whole, what is missing, the pods side by side, then each in full. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import resources
from typing import TYPE_CHECKING

from memcollect.reporters.attention import first_looks
from memcollect.reporters.columns import by_size
from memcollect.reporters.groups import MOST_NAMES, missing_groups, said_once, subtotals, whose
from memcollect.reporters.html.document import document
from memcollect.reporters.html.markup import NOTHING, Markup, element, items, joined, name_of
from memcollect.reporters.html.node import account_section
from memcollect.reporters.html.overview import looks, overview, subtotals_part
from memcollect.reporters.html.pod import pod_section
from memcollect.reporters.html.tables import SORTABLE
from memcollect.reporters.words import heading, is_of_nodes, shows_details, subject

if TYPE_CHECKING:
    from memcollect.documents.snapshot import Missing, Pod, Snapshot
    from memcollect.reporters.words import Details

SCRIPT = (resources.files("memcollect.reporters.html") / "sorting.js").read_text(encoding="utf-8")
MOST_SECTIONS = 500
"""Of so many pods the page holds the details, folded up; more would be too much for a browser and a mail."""


def render(snapshot: Snapshot, *, details: Details = "auto") -> str:
    """Return the page; `details` says whether pods are shown one by one.

    "all": in full; "none": not at all; "auto": in full where they are few, otherwise folded up, and where
    they are very many, those alone that are large or to be looked at first.
    """
    body = joined(_body(said_once(snapshot), details))
    # Names are escaped, so no quotation mark of theirs stands in it.
    script = SCRIPT if f'"{SORTABLE}' in body else ""
    return document(f"Memory of {subject(snapshot)[0]}", [body], script)


def _has_overview(snapshot: Snapshot, details: Details) -> bool:
    return (len(snapshot.pods) > 1 or details == "none" or not snapshot.pods) and not is_of_nodes(snapshot)


def _body(snapshot: Snapshot, details: Details) -> Iterator[Markup]:
    pods = sorted(snapshot.pods, key=by_size)
    told = _told(pods, details)
    anchors = {id(pod): f"pod-{number}" for number, pod in enumerate(told, 1)}
    folded = not shows_details(snapshot, details)
    of, is_name = subject(snapshot)
    yield element("header", element("h1", "Memory of ", name_of(of) if is_name else of))
    yield element(
        "main",
        _missing(snapshot.missing),
        looks(pods, anchors) if len(pods) > 1 else "",
        _facts(snapshot),
        *(account_section(each, f"node-{number}") for number, each in enumerate(snapshot.accounts, 1)),
        overview(pods, anchors) if _has_overview(snapshot, details) else "",
        *(part for group in subtotals(snapshot) for part in subtotals_part(*group)),
        *(pod_section(pod, anchors[id(pod)], folded=folded) for pod in told),
        _untold(len(pods) - len(told)) if details != "none" else "",
        _notes(snapshot.notes),
    )
    yield _footer(snapshot)


def _told(pods: Sequence[Pod], details: Details) -> Sequence[Pod]:
    """Return, in their order, the pods of which the page has more than a row."""
    if details == "none":
        return []
    if details == "all" or len(pods) <= MOST_SECTIONS:
        return pods
    chosen = {id(look.pod) for look in first_looks(pods)} | {id(pod) for pod in pods[:MOST_SECTIONS]}
    return [pod for pod in pods if id(pod) in chosen]


def _untold(count: int) -> Markup:
    if count <= 0:
        return NOTHING
    return element(
        "p",
        f"The {count} smaller pods have a row above and no details here: "
        "memcollect explain FILE POD shows one of them, --details all writes them all into the page.",
    )


def _facts(snapshot: Snapshot) -> Markup:
    facts = [
        joined([element("dt", label), element("dd", text)])
        for label, text in heading(snapshot)
        if label != "Sample"
    ]
    return element("dl", *(element("div", fact) for fact in facts))


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
