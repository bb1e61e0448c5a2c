"""Whatever file a person names: one sentence, soon, for what is none of the kind."""

import os
from pathlib import Path
from typing import Any

import pytest

from memcollect.commands.run import run
from memcollect.errors import CollectorError
from memcollect.profile.plan.model import Template
from memcollect.profile.sandboxes.template import TemplateSource
from worlds import compare_builders as build

COMMANDS = {
    "explain": ["explain", "{file}"],
    "compare": ["compare", "{file}", "{file2}"],
    "export": ["export", "{file}", "-o", "{file}.archive"],
    "a table of services": ["snapshot", "--local", "--services", "{file}"],
    "a list of tops": ["snapshot", "--local", "--top-file", "{file}"],
    "a plan": ["profile", "{file}", "--check"],
    "a source": ["profile", "guide", "--source", "{file}", "--check"],
    "a source of evidence": ["evidence", "{file}", "--check"],
    "a bundle": ["evidence", "--show", "{file}"],
    "a kubeconfig": ["snapshot", "-A", "--kubeconfig", "{file}"],
}
KINDS = ["fifo", "device", "directory", "sparse", "binary", "deep", "empty", "secret"]


def made(folder: Path, kind: str) -> Path:
    """Make something that is no document of ours."""
    path = folder / kind
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        return Path("/dev/zero")
    elif kind == "directory":
        path.mkdir()
    elif kind == "sparse":
        with path.open("wb") as stream:
            stream.truncate(5 << 30)
    else:
        content = {
            "binary": bytes(range(256)) * 40,
            "deep": b"[" * 100_000,
            "empty": b"",
            "secret": b"a: b: c",
        }
        path.write_bytes(content[kind])
    return path


@pytest.mark.parametrize(
    "words", [["explain"], ["redact"], ["export", "-o", "archive"]], ids=lambda words: str(words[0])
)
def test_of_a_run_s_directory_it_is_told_where_its_snapshots_are(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_ = build.write(tmp_path / "aio", build.good_pair()[0])
    command, *more = words
    assert (
        run(
            [command, str(run_), *(str(tmp_path / each) if each[0] != "-" else each for each in more)],
            "memcollect",
        )
        == 1
    )
    assert (
        f"Name a snapshot of those in {run_}/snapshots; `memcollect compare` reads the whole."
        in capsys.readouterr().err
    )


def test_what_is_not_there_is_no_name_for_the_bundle_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_ = build.write(tmp_path / "aio", build.good_pair()[0])
    assert run(["evidence", "--show", str(run_ / "misspelt")], "memcollect") == 1
    assert "misspelt is no bundle" in capsys.readouterr().err
    assert run(["evidence", "--show", str(run_ / "manifest.json")], "memcollect") == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", COMMANDS)
def test_it_is_told_what_is_wrong_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, kind: str
) -> None:
    file = made(tmp_path, kind)
    second = tmp_path / "second"
    second.symlink_to(file)
    code = run([each.format(file=file, file2=second) for each in COMMANDS[name]], "memcollect")
    out, err = capsys.readouterr()
    if name == "a table of services" and kind == "empty":
        return  # a table of no services is one
    assert code in (1, 2)
    assert out == ""
    assert "should not happen" not in err
    assert "Traceback" not in err
    assert str(file) in err or str(second) in err or "the evidence plan" in err or "the source's file" in err
    assert len(err.splitlines()) <= 4


@pytest.mark.parametrize("kind", KINDS)
def test_a_template_of_a_plan_is_held_to_the_same(tmp_path: Path, kind: str) -> None:
    file = made(tmp_path, kind)
    source = TemplateSource(Template(file=str(file)), "r", file=file)
    tools: Any = None  # the template comes first
    with pytest.raises(CollectorError) as caught:
        source.prepare(tools)
    assert str(file) in str(caught.value) or "The source's file" in str(caught.value)


LONG = "ä" * 300


@pytest.mark.parametrize(
    "words",
    [
        ["compare", LONG, "b.json"],
        ["explain", LONG],
        ["record", "-o", LONG],
        ["snapshot", "--local", "--root", LONG],
        ["snapshot", "--local", "--top-file", LONG],
        ["snapshot", "--local", "-o", LONG],
        ["evidence", "--show", LONG],
        ["doctor", "--kubeconfig", LONG],
        ["redact", LONG, "-o", "b.json"],
    ],
    ids=lambda words: " ".join(words).replace(LONG, "LONG"),
)
def test_a_name_that_no_file_can_have_is_one_sentence(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words, "memcollect") in {1, 2}
    out, err = capsys.readouterr()
    assert "File name too long" in (out if words[0] == "doctor" else err)  # it tells it among its checks
    assert "should not happen" not in err
