"""What a number of kubectl top comes to, in words that its own figures bear out."""

import pytest

from memcollect.documents.snapshot import Summary, Top
from memcollect.join.reconcile import SEVERITY
from memcollect.reporters.top_status import COUNTED, top_status
from memcollect.reporters.words import heading
from worlds import sample_snapshots as samples

MIB = 1 << 20


def top(status: str, number: int, then: int | None, tolerance: int | None = None) -> Top:
    return Top(
        source="metrics.k8s.io",
        memory_bytes=number,
        status=status,
        working_set_at_sample_bytes=then,
        tolerance_bytes=tolerance,
    )


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            top("reconciled", 64 * MIB, 64 * MIB, MIB),
            "it matches our own reading at that time, 64.0 MiB ±1.0 MiB",
        ),
        (
            top("reconciled", 1000 * MIB, 995 * MIB, MIB),
            "it is within 1 % of our own reading at that time, 995.0 MiB ±1.0 MiB",
        ),
        (
            top("reconciled", 1040 * MIB, 1020 * MIB, 10 * MIB),
            "it is 20.0 MiB from our own reading at that time, 1020.0 MiB ±10.0 MiB",
        ),
        (top("reconciled", 64 * MIB, None), "it matches our own reading"),
        (top("drifted", 64 * MIB, 64 * MIB, MIB), "our own reading then: 64.0 MiB ±1.0 MiB"),
        (top("drifted", 64 * MIB, None), ""),
        (
            top("unexplained", 64 * MIB, 20 * MIB, MIB),
            "NOT EXPLAINED, our own reading at that time is 20.0 MiB ±1.0 MiB",
        ),
        (top("stale", 64 * MIB, None), "too old to be held against anything"),
        (top("of-a-later-version", 64 * MIB, None), "of-a-later-version"),
        (top("", 64 * MIB, None), ""),
    ],
)
def test_a_number_matches_only_what_was_read_at_that_time_and_within_the_budget(
    found: Top, words: str
) -> None:
    assert top_status(found) == words


def test_of_many_pods_every_status_is_counted_in_plain_words() -> None:
    assert set(COUNTED) == set(SEVERITY)
    counts = {"drifted": 1, "reconciled": 12, "of a later version": 2}
    snapshot = samples.snapshot(summary=Summary(pods=15, top_bytes=MIB, statuses=counts))
    told = "1.0 MiB (1 changed since, 12 matched, 2 of a later version)"
    assert dict(heading(snapshot))["kubectl top"] == told
