from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from memcollect.commands.options import ReportOptions
from memcollect.commands.taking import Taking, finish
from memcollect.documents.files import read_snapshot
from memcollect.documents.snapshot import Missing, Pod, Snapshot
from worlds.builders import pod

OPENING = Snapshot(captured_at="2026-01-01T00:00:00Z", finished_at="", mode="cluster", sample="s")
GONE = Missing(kind="pod", name="a/b", reason="gone", detail="it ended; take the snapshot again")


def options(format_: str = "json", output: Path | None = None) -> ReportOptions:
    return ReportOptions(output=output, format_=format_, details="none")


def taking(pods: Iterator[Pod], missing: list[Missing], *, interrupted: bool = False) -> Taking:
    def closing() -> Snapshot:
        return msgspec.structs.replace(OPENING, finished_at="2026-01-01T00:00:01Z", missing=missing)

    return Taking(lambda: OPENING, pods, closing, lambda: interrupted)


@pytest.mark.parametrize("format_", ["json", "table", "markdown"])
def test_all_measured_is_exit_0_and_nothing_is_said(format_: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert finish(taking(iter([pod()]), []), options(format_=format_)) == 0
    output = capsys.readouterr()
    assert "sandbox-1" in output.out
    assert output.err == ""


def test_one_missing_thing_is_said_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert finish(taking(iter([]), [GONE]), options()) == 3
    said = capsys.readouterr().err
    assert said == "memcollect: 1 asked for and not measured: it ended; take the snapshot again\n"


def test_several_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    late = msgspec.structs.replace(GONE, reason="timeout", detail="it did not answer")
    assert finish(taking(iter([]), [GONE, late, late]), options()) == 3
    assert "3 asked for and not measured: the document says" in capsys.readouterr().err


def test_one_reason_of_several_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert finish(taking(iter([]), [GONE] * 3), options()) == 3
    assert capsys.readouterr().err.endswith(
        "3 asked for and not measured: it ended; take the snapshot again\n"
    )


def test_interrupted_is_exit_130_and_the_document_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "f.json"
    assert finish(taking(iter([pod()]), [GONE], interrupted=True), options(output=path)) == 130
    assert [each.name for each in read_snapshot(str(path)).pods] == ["sandbox-1"]
    assert "what had been measured by then" in capsys.readouterr().err


def test_json_is_written_pod_by_pod_and_closed_after_the_last(tmp_path: Path) -> None:
    """A document of ten thousand pods must not stand in memory as a whole."""
    alive: list[int] = []

    def pods() -> Iterator[Pod]:
        for number in range(5):
            alive.append(number)
            yield msgspec.structs.replace(pod(), name=f"p{number}")

    def closing() -> Snapshot:
        return msgspec.structs.replace(OPENING, notes=[f"after {len(alive)}"])

    path = tmp_path / "f.json"
    assert finish(Taking(lambda: OPENING, pods(), closing), options(output=path)) == 0
    assert read_snapshot(str(path)).notes == ["after 5"]


def test_a_failure_in_the_middle_leaves_nothing(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    def pods() -> Iterator[Pod]:
        yield pod()
        raise KeyboardInterrupt

    for output in (tmp_path / "f.json", None):
        with pytest.raises(KeyboardInterrupt):
            finish(taking(pods(), []), options(output=output))
    assert list(tmp_path.iterdir()) == []
    assert capsysbinary.readouterr().out == b""


def test_pods_of_one_size_are_shown_in_the_order_of_names(capsys: pytest.CaptureFixture[str]) -> None:
    pods = [msgspec.structs.replace(pod(), namespace="n", name=name) for name in ("cc", "aa", "bb")]
    finish(taking(iter(pods), []), options(format_="markdown"))
    out = capsys.readouterr().out
    assert out.index("aa") < out.index("bb") < out.index("cc")
