import re
from pathlib import Path

from rich.cells import cell_len

from memcollect.compare import Question, compare
from memcollect.compare.model import Comparison
from memcollect.reporters.compare import html, markdown, table
from worlds import sample_snapshots as samples
from worlds.compare_builders import MIB, document, pod, process, snapshot

GOLDEN = Path(__file__).parent / "golden"


def moments(name: str = "sandbox-7f3a", comm: str = "python3") -> Comparison:
    before = snapshot(
        pod(500 * MIB, name, cache=80 * MIB, processes=[process(comm, 7, 40 * MIB)]),
        pod(90 * MIB, "sandbox-11aa"),
        pod(30 * MIB, "old"),
        sample="before",
    )
    after = snapshot(
        pod(510 * MIB, name, cache=280 * MIB, processes=[process(comm, 7, 50 * MIB)]),
        pod(90 * MIB, "sandbox-11aa"),
        pod(3 * MIB, "fresh"),
        sample="after",
        captured_at="2026-01-01T00:10:00Z",
    )
    documents = [document(before, "before.json"), document(after, "after.json")]
    return compare(documents, Question(version="0.1.0"))


def test_the_page_reads_as_the_golden_one_says() -> None:
    shown = re.sub(r"[0-9a-f]{64}", "of the file", table.render(moments()))
    assert shown == (GOLDEN / "what-grew.txt").read_text(encoding="utf-8")


def test_every_format_begins_with_what_grew_and_claims_nothing() -> None:
    for page in (table.render(moments()), markdown.render(moments()), html.render(moments())):
        flat = " ".join(page.split())
        assert "sandbox-7f3a grew by 210 MiB in 10 min" in flat
        assert "Most of it is hot page cache (+200.0 MiB)" in flat
        assert "claim" not in flat.lower()
        assert "interval" not in re.sub(r"draw an interval", "", flat)


def test_names_from_outside_stay_harmless() -> None:
    comparison = moments(samples.HOSTILE, samples.HOSTILE)
    shown, page = table.render(comparison), markdown.render(comparison)
    assert "\x1b" not in shown + page
    assert "\u202e" not in shown + page
    assert max(cell_len(line) for line in shown.splitlines()) <= 80
    assert not re.search(r"(?<!\\)(<script|@all|\[x)", page)
