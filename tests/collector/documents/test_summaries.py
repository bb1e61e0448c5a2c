"""Pods told in summary, as they are read: whole, or refused."""

import msgspec
import pytest

from memcollect.documents.files import decode_snapshot
from memcollect.documents.snapshot import Snapshot, Term
from memcollect.documents.summaries import all_restored, is_exact, restored
from memcollect.errors import DocumentError
from memcollect.explain.reduced import reduced
from memcollect.reporters import json
from worlds import sample_snapshots as samples

POD = samples.pod("one")
SHORT = msgspec.structs.replace(samples.snapshot(POD), pods=[reduced(POD)], depth="summary")


def read(text: str) -> Snapshot:
    return decode_snapshot(text.encode(), "s.json")


def test_terms_stand_in_their_places_again_however_often_it_is_written_and_read() -> None:
    once = read(json.render(SHORT))
    assert once.pods[0].composition is not None
    assert POD.composition is not None
    assert {each.term for each in once.pods[0].composition.terms} == {
        each.term for each in POD.composition.terms
    }
    assert read(json.render(once)) == once


def test_a_term_that_the_kernel_treats_otherwise_is_written_whole() -> None:
    term = Term(term="anon", low_bytes=1, high_bytes=1, estimate_bytes=1, confidence="measured")
    assert is_exact(msgspec.structs.replace(term, reclaimable="swap-only"))
    assert not is_exact(msgspec.structs.replace(term, reclaimable="locked"))
    assert not is_exact(term)


def test_a_pod_told_in_full_is_as_it_was() -> None:
    assert restored(POD) is POD
    whole = samples.snapshot(POD)
    assert all_restored(whole) is whole


def test_one_that_does_not_add_up_is_refused_by_its_name() -> None:
    text = json.render(SHORT)
    assert SHORT.pods[0].summary is not None
    name, amount = next(iter(SHORT.pods[0].summary.terms.items()))
    edited = text.replace(f'"{name}":{amount}', f'"{name}":{amount + 1}')
    assert edited != text
    with pytest.raises(DocumentError, match=f"{POD.name} does not add up"):
        read(edited)
