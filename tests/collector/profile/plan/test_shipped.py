import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from memcollect.errors import DocumentError, UsageError
from memcollect.profile.plan.parse import parse_plan
from memcollect.profile.plan.shipped import names, text_of


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_plans_and_sources_are_told_apart() -> None:
    assert "guide" in names()
    assert "deerflow" in names("sources")
    assert not set(names()) & set(names("sources"))


def test_every_shipped_source_fits_every_shipped_plan() -> None:
    for plan in names():
        for source in names("sources"):
            parsed = parse_plan(text_of(plan)[0], plan, text_of(source, "sources")[0])
            assert parsed.phases


def test_a_shipped_plan_is_found_by_its_name_and_its_paths_start_here() -> None:
    data, folder = text_of("guide")
    assert b"[[phases]]" in data
    assert folder == Path()


def test_a_file_goes_before_the_shipped_plan_of_the_same_name(tmp_path: Path) -> None:
    (tmp_path / "guide").write_bytes(b"mine")
    assert text_of("guide") == (b"mine", Path())


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("gone"), os.mkfifo])
def test_what_is_no_file_hides_no_shipped_plan(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "guide")
    make(tmp_path / "deerflow")
    assert b"[[phases]]" in text_of("guide")[0]
    assert b"[source]" in text_of("deerflow", "sources")[0]


@pytest.mark.parametrize("name", ["n" * 300, "n" * 5000, "a/" * 3000, "n" * 300 + "/plan.toml"])
def test_a_name_that_no_file_can_have_is_a_sentence(name: str) -> None:
    with pytest.raises(UsageError, match="There is no file"):
        text_of(name)


def test_a_place_that_may_not_be_looked_into_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.toml").write_bytes(b"x")
    denied = PermissionError(errno.EACCES, "Permission denied")

    def refuse(*_: object, **__: object) -> None:
        raise denied

    monkeypatch.setattr(Path, "exists", refuse)
    monkeypatch.setattr("memcollect.documents.files.os.open", refuse)
    with pytest.raises(DocumentError, match=r"mine\.toml cannot be read: Permission denied"):
        text_of("mine.toml")


def test_a_users_file_brings_its_folder_with_it(tmp_path: Path) -> None:
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "mine.toml").write_bytes(b"x")
    assert text_of("plans/mine.toml") == (b"x", Path("plans"))


def test_a_source_is_no_plan_and_a_plan_no_source() -> None:
    with pytest.raises(UsageError, match="Shipped: guide"):
        text_of("deerflow")
    with pytest.raises(UsageError, match=r"Shipped: .*deerflow"):
        text_of("guide", "sources")


@pytest.mark.parametrize("name", ["guide.toml", "../plans/guide", "sources/deerflow", "GUIDE", "a\0b"])
def test_only_an_exact_name_is_a_shipped_one(name: str) -> None:
    with pytest.raises(UsageError, match="There is no file"):
        text_of(name)


def test_a_name_that_moves_the_cursor_is_shown_escaped() -> None:
    with pytest.raises(UsageError) as caught:
        text_of("\x1b[2Jmine")
    assert "\\x1b[2Jmine" in caught.value.sentence
    assert caught.value.sentence.isprintable()


def test_what_is_there_but_cannot_be_read_is_not_taken_for_absent(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").mkdir()
    with pytest.raises(DocumentError, match=r"mine\.toml is not a regular file"):
        text_of("mine.toml")
