import re
from collections.abc import Callable

import msgspec
import pytest

from memcollect.documents.snapshot import Snapshot, Undecided
from memcollect.reporters import columns, markdown, table
from memcollect.reporters.columns import Amount, overview_row
from worlds import sample_snapshots as samples

MIB = 1 << 20


def test_a_row_adds_up_the_cache_and_the_kernel() -> None:
    row = overview_row(samples.pod())
    kernel = 85 * MIB + (780 << 10)
    assert (row.pss.bytes, row.cache.bytes, row.kernel.bytes) == (412 * MIB, 388 * MIB, kernel)


def test_what_was_not_measured_is_unknown_and_not_nought() -> None:
    row = overview_row(samples.pod(composition=None, ladder=None, top=None))
    assert row.working_set == row.pss == row.kernel == row.top == Amount(None)


def test_a_sum_with_an_undecided_member_is_a_part() -> None:
    undecided = [Undecided(name="sock", missing="stat.sock", reason="no such line")]
    composition = msgspec.structs.replace(samples.composition(), undecided=undecided)
    row = overview_row(samples.pod(composition=composition))
    assert (row.kernel.partial, row.cache.partial) == (True, False)


def many(pods: int) -> Snapshot:
    """Return a snapshot of so many pods, p0001 of one MiB, p0002 of two and so on."""
    template = samples.pod("one")
    assert template.composition is not None
    return msgspec.structs.replace(
        samples.snapshot(),
        pods=[
            msgspec.structs.replace(
                template,
                uid=f"u{number}",
                name=f"p{number:04}",
                composition=msgspec.structs.replace(template.composition, working_set_bytes=number << 20),
            )
            for number in range(1, pods + 1)
        ],
    )


@pytest.mark.parametrize(
    ("report", "last"), [(table.render, ": --format json lists them all"), (markdown.render, ", in the JSON")]
)
def test_of_very_many_pods_the_largest_are_listed_and_the_others_counted(
    report: Callable[..., str], last: str
) -> None:
    page = report(many(columns.MANY_PODS + 500))
    shown = set(re.findall(r"\bp\d{4}\b", page))
    assert shown == {f"p{number:04}" for number in range(1401, 1501)}
    assert f"and 1,400 more{last}" in page


@pytest.mark.parametrize("report", [table.render, markdown.render])
def test_of_fewer_pods_every_one_is_listed(report: Callable[..., str]) -> None:
    page = report(many(columns.MANY_PODS))
    assert len(set(re.findall(r"\bp\d{4}\b", page))) == columns.MANY_PODS
    assert "more, in the JSON" not in page


def test_every_pod_is_listed_where_every_pod_was_asked_for() -> None:
    snapshot = many(columns.MANY_PODS + 1)
    assert columns.listed_pods(snapshot, "all") == (snapshot.pods, 0)
    assert columns.listed_pods(snapshot, "none")[1] == columns.MANY_PODS + 1 - columns.LARGEST_PODS
