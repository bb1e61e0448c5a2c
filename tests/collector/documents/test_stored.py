import hashlib
import io
import sys
from pathlib import Path

import msgspec
import pytest

from memcollect.documents import stored as module
from memcollect.documents.snapshot import Pod, Snapshot
from memcollect.documents.stored import open_snapshot
from memcollect.errors import DocumentError, SchemaError
from memcollect.reporters import json
from worlds import sample_snapshots as samples

SEVERAL = samples.snapshot(samples.pod("one"), samples.hostile_pod(), samples.pod("three"))


def read(path: Path) -> tuple[Snapshot, list[Pod]]:
    with open_snapshot(str(path)) as stored:
        return stored.rest, list(stored.pods)


def saved(folder: Path, text: str) -> Path:
    path = folder / "saved.json"
    path.write_text(text, encoding="utf-8")
    return path


def test_pods_come_one_by_one_and_are_the_documents(tmp_path: Path) -> None:
    path = saved(tmp_path, json.render(SEVERAL))
    with open_snapshot(str(path)) as stored:
        assert iter(stored.pods) is stored.pods
        assert list(stored.pods) == SEVERAL.pods
        assert stored.rest == msgspec.structs.replace(SEVERAL, pods=[])
        assert stored.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert stored.size_bytes == path.stat().st_size


@pytest.mark.parametrize("indent", [0, 1, 2, 4, -1])
def test_a_document_that_was_laid_out_anew_says_the_same(tmp_path: Path, indent: int) -> None:
    text = msgspec.json.format(msgspec.json.encode(SEVERAL), indent=indent).decode()
    assert read(saved(tmp_path, text)) == (msgspec.structs.replace(SEVERAL, pods=[]), SEVERAL.pods)


def test_one_without_a_pod_has_none(tmp_path: Path) -> None:
    empty = msgspec.structs.replace(SEVERAL, pods=[])
    assert read(saved(tmp_path, json.render(empty))) == (empty, [])


def test_standard_input_is_read_as_a_file_is(monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.render(SEVERAL).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    with open_snapshot("-") as stored:
        assert (stored.name, list(stored.pods)) == ("standard input", SEVERAL.pods)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.99])
def test_one_that_is_cut_short_hands_on_no_pod(tmp_path: Path, share: float) -> None:
    text = json.render(SEVERAL)
    path = saved(tmp_path, text[: int(len(text) * share)])
    with pytest.raises(DocumentError, match=r"is empty|is cut short"), open_snapshot(str(path)):
        pytest.fail("it was opened")


def test_one_that_ends_after_a_pods_line_is_cut_short_too(tmp_path: Path) -> None:
    text = json.render(SEVERAL)
    path = saved(tmp_path, text[: text.index("\n", text.index('"pods": [') + 20) + 1])
    with pytest.raises(DocumentError, match="is cut short"), open_snapshot(str(path)):
        pytest.fail("it was opened")


def test_a_line_that_is_no_pod_is_named(tmp_path: Path) -> None:
    lines = json.render(SEVERAL).splitlines(keepends=True)
    number = next(number for number, line in enumerate(lines) if "three" in line)
    lines[number] = '    {"uid": 7}\n'
    with (
        pytest.raises(DocumentError, match=f"line {number + 1} is no pod"),
        open_snapshot(str(saved(tmp_path, "".join(lines)))) as stored,
    ):
        list(stored.pods)


def test_another_version_is_refused_before_a_pod_is_read(tmp_path: Path) -> None:
    newer = msgspec.structs.replace(SEVERAL, schema_version=99)
    with (
        pytest.raises(SchemaError, match="has schema 99"),
        open_snapshot(str(saved(tmp_path, json.render(newer)))),
    ):
        pytest.fail("it was opened")


def test_what_must_be_held_whole_and_is_too_large_for_that_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WHOLE_BYTES", 1000)
    path = saved(tmp_path, msgspec.json.encode(SEVERAL).decode())
    with pytest.raises(DocumentError, match="not a pod a line"), open_snapshot(str(path)):
        pytest.fail("it was opened")


def test_a_pipe_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_DOCUMENT_BYTES", 3 << 20)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b" " * (8 << 20))))
    with pytest.raises(DocumentError, match="is larger than 3 MiB"), open_snapshot("-"):
        pytest.fail("it was opened")
