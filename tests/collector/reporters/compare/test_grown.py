import re
from html import unescape

import msgspec
from rich.cells import cell_len

from memcollect.compare import Question, compare
from memcollect.compare.growth import PodChange, ServicesOff
from memcollect.compare.model import Comparison
from memcollect.documents.snapshot import Pod, Service
from memcollect.reporters.compare.formats import rendered
from memcollect.reporters.compare.grown_contents import services_off
from memcollect_agent.wire import FileUse, MappedPart, Payer, PodFiles, ProcessMappings
from worlds import sample_snapshots as samples
from worlds.compare_builders import MIB, document, moments, pod, process, snapshot


def test_every_format_begins_with_what_grew_and_claims_nothing() -> None:
    for page in (rendered(moments(), "table"), rendered(moments(), "markdown"), rendered(moments(), "html")):
        flat = " ".join(page.split())
        assert "sandbox-7f3a grew by 210 MiB in 10 min" in flat
        assert "Most of it is hot page cache (+200.0 MiB)" in flat
        assert "claim" not in flat.lower()
        assert "interval" not in re.sub(r"draw an interval", "", flat)


def test_names_from_outside_stay_harmless() -> None:
    comparison = moments(samples.HOSTILE, samples.HOSTILE)
    shown, page = rendered(comparison, "table"), rendered(comparison, "markdown")
    assert "\x1b" not in shown + page
    assert "\u202e" not in shown + page
    assert max(cell_len(line) for line in shown.splitlines()) <= 80
    assert not re.search(r"(?<!\\)(<script|@all|\[x)", page)


def contents() -> Comparison:
    """Two moments between which a report was written and a heap grew."""
    stat = {"file": 60 * MIB, "shmem": 0}

    def at(*files: tuple[str, int], heap: int) -> Pod:
        uses = [
            FileUse(
                path=path,
                place="volume",
                by="cachestat",
                resident_low_bytes=size,
                resident_high_bytes=size,
                payers=[Payer(cgroup_inode=7, path="/pod", bytes=size)],
            )
            for path, size in files
        ]
        part = MappedPart(kind="heap", mappings=1, anon_low_bytes=heap, anon_high_bytes=heap)
        mapped = ProcessMappings(parts=[part], mappings=1, pss_anon_before_bytes=heap, pss_anon_bytes=heap)
        worker = msgspec.structs.replace(
            process("python3", 7, heap), exe="/usr/bin/python3.11", mapped=mapped
        )
        files_ = PodFiles(files=uses, before=stat, after=stat)
        cache = sum(size for _, size in files)
        return pod(heap, "sandbox-7f3a", cache=cache, processes=[worker], files=files_)

    model = ("/opt/models/e5.bin", 20 * MIB)
    report = ("/mnt/user-data/outputs/report.bin", 24 * MIB)
    before = snapshot(at(model, heap=40 * MIB), sample="before")
    later = "2026-01-01T00:10:00Z"
    after = snapshot(at(model, report, heap=52 * MIB), sample="after", captured_at=later)
    documents = [document(before, "before.json"), document(after, "after.json")]
    return compare(documents, Question(version="0.1.0"))


def test_the_file_that_was_left_in_cache_is_named_in_the_first_sentences_and_in_a_table() -> None:
    for page in (
        rendered(contents(), "table"),
        rendered(contents(), "markdown"),
        rendered(contents(), "html"),
    ):
        flat = " ".join(page.split())
        assert "report.bin changed most (+24.0 MiB, charged)" in flat
        assert "e5.bin" not in flat


def test_files_and_mappings_that_changed_have_a_table_each() -> None:
    text = rendered(contents(), "table")
    by_file = text.split("by file")[1].split("by mapping")[0]
    assert re.search(r"report\.bin .* 0B +24\.0Mi +\+24\.0Mi", by_file)
    assert re.search(r"heap \(brk\) +python3\.11 .*40\.0Mi +52\.0Mi +\+12\.0Mi", text.split("by mapping")[1])
    assert max(map(len, text.splitlines())) <= 80


def off(fell: int | None, low: int | None = 310 * MIB, high: int | None = 380 * MIB) -> str:
    """Return what the page says of two services that are off."""
    told = ServicesOff(
        container="aio",
        services=["Jupyter", "code-server"],
        predicted_low_bytes=low,
        predicted_high_bytes=high,
        fell_bytes=fell,
    )
    change = PodChange(pod="ns/aio", matched_by="uid", services_off=[told])
    (bullet,) = services_off(change).bullets
    return bullet.text


def test_what_services_saved_is_told_beside_the_prediction() -> None:
    said = "aio: without Jupyter and code-server, −310 to −380 MiB was predicted."
    fell = "The container's charge fell by"
    assert off(342 * MIB) == f"{said} {fell} 342.0 MiB, which is within that."
    assert off(310 * MIB) == f"{said} {fell} 310.0 MiB, which is within that."
    assert off(300 * MIB) == f"{said} {fell} 300.0 MiB, which is less."
    assert off(400 * MIB) == f"{said} {fell} 400.0 MiB, which is more."
    assert off(-2 * MIB) == f"{said} The container's charge rose by 2.0 MiB."
    assert off(None) == f"{said} What the container is charged for is not known at both moments."


def test_a_prediction_with_one_end_or_none_claims_no_more_than_it_has() -> None:
    said = "aio: without Jupyter and code-server"
    fell = "The container's charge fell by 342.0 MiB"
    assert off(342 * MIB, high=None) == (
        f"{said}, at least −310 MiB was predicted. {fell}, which is in keeping with it."
    )
    assert off(342 * MIB, low=None) == f"{said}; what that would save was not known. {fell}."


def test_services_that_are_off_are_on_every_page() -> None:
    jupyter = Service(name="Jupyter", processes=1, saves_low_bytes=90 * MIB, saves_high_bytes=120 * MIB)
    before = pod(500 * MIB, processes=[process("init", 1)])
    after = pod(400 * MIB, processes=[process("init", 1)])
    with_it = [msgspec.structs.replace(each, services=[jupyter]) for each in before.containers]
    documents = [
        document(snapshot(msgspec.structs.replace(before, containers=with_it)), "with.json"),
        document(snapshot(after, sample="after", captured_at="2026-01-01T00:10:00Z"), "without.json"),
    ]
    comparison = compare(documents, Question(version="0.1.0"))
    for page in (
        rendered(comparison, "table"),
        rendered(comparison, "markdown"),
        rendered(comparison, "html"),
    ):
        flat = " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())
        assert "services that are off" in flat
        assert "−90 to −120 MiB was predicted. The container's charge fell by 100.0 MiB" in flat
