"""The comparison's page, from the verdict to the documents it was made of. Pure."""

from __future__ import annotations

from memcollect.compare.grown.words import headline
from memcollect.compare.growth import Growth
from memcollect.compare.model import Comparison
from memcollect.reporters.compare.beside import left, reuses, services, startups
from memcollect.reporters.compare.claims import claims, claims_within, missing, sources
from memcollect.reporters.compare.grown import grown, how_to_read, made_of
from memcollect.reporters.compare.nodes import leftovers, nodes
from memcollect.reporters.compare.numbers import differences, growth, overview, term_tables
from memcollect.reporters.evidence.sections import evidence_sections, verdict
from memcollect.reporters.paged.layout import Bullet, Page, Section


def page(comparison: Comparison) -> Page:
    """Return the page of a comparison: what grew where it is two moments, else what may be claimed."""
    if comparison.growth is not None:
        return _of_growth(comparison, comparison.growth)
    sections = [
        *claims(comparison),
        overview(comparison),
        *([] if comparison.evidence is None else evidence_sections(comparison.evidence)),
        *differences(comparison),
        *term_tables(comparison),
        *growth(comparison),
        *claims_within(comparison),
        *reuses(comparison),
        *left(comparison),
        *services(comparison),
        *nodes(comparison),
        *leftovers(comparison),
        *startups(comparison),
        *missing(comparison),
        sources(comparison),
        Section("How to read this", bullets=[Bullet(note) for note in comparison.notes]),
    ]
    return Page("Memory compared", _first_words(comparison), sections)


def _first_words(comparison: Comparison) -> str:
    """Return what may be claimed and, where backends were tried, which of them may be recommended."""
    if comparison.evidence is None:
        return comparison.verdict
    return f"{comparison.verdict} {verdict(comparison.evidence)}"


def _of_growth(comparison: Comparison, growth: Growth) -> Page:
    sections = [*grown(growth), *missing(comparison), sources(comparison), how_to_read(growth)]
    return Page("What grew", headline(growth, made_of(growth)), sections)
