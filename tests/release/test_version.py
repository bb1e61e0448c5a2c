"""What a commit is called, with a tag and without."""

from pathlib import Path

import pytest
from packaging.version import Version

from release.programs import ReleaseError
from release.version import VERSION_FILE, release_of, semver, with_version
from worlds.children import run


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One commit of a tree whose code says 0.2.0."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / VERSION_FILE).parent.mkdir(parents=True)
    commit(tmp_path, '"""Words."""\n\n__version__ = "0.2.0"\n')
    return tmp_path


def git(repository: Path, *words: str) -> str:
    own = [
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@example",
        "-c",
        "commit.gpgSign=false",
        "-c",
        "tag.gpgSign=false",
    ]
    return run(["git", "-C", repository, *own, *words], check=True).stdout.strip()


def commit(repository: Path, code: str) -> None:
    (repository / VERSION_FILE).write_text(code)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "a")


def test_a_tagged_commit_is_its_tags_version(repository: Path) -> None:
    git(repository, "tag", "v0.2.0")
    release = release_of(repository)
    assert (release.pep440, release.semver, release.image_tag) == ("0.2.0", "0.2.0", "0.2.0")
    assert release.commit == git(repository, "rev-parse", "HEAD")
    assert release.epoch_seconds == int(git(repository, "log", "-1", "--format=%ct"))


def test_without_a_tag_it_is_on_the_way_to_what_the_code_says(repository: Path) -> None:
    short = git(repository, "rev-parse", "HEAD")[:12]
    release = release_of(repository)
    assert release.pep440 == f"0.2.0.dev1+g{short}"
    assert release.semver == f"0.2.0-dev.1+g{short}"
    assert release.image_tag == f"0.2.0-dev.1-g{short}"


def test_after_a_tag_the_commits_since_are_counted(repository: Path) -> None:
    git(repository, "tag", "v0.2.0")
    commit(repository, '__version__ = "0.3.0"\n')
    commit(repository, '__version__ = "0.3.0"\n')
    assert release_of(repository).pep440.startswith("0.3.0.dev2+g")


def test_a_tag_that_is_no_version_counts_as_none(repository: Path) -> None:
    git(repository, "tag", "very-good")
    git(repository, "tag", "0.1.0")
    assert release_of(repository).pep440.startswith("0.2.0.dev1+g")


def test_a_tag_that_the_code_contradicts_is_refused(repository: Path) -> None:
    git(repository, "tag", "v0.3.0")
    with pytest.raises(
        ReleaseError, match=r"the tag is v0\.3\.0 and .*__init__\.py says 0\.2\.0: say the same"
    ):
        release_of(repository)


def test_two_tags_are_refused(repository: Path) -> None:
    git(repository, "tag", "v0.2.0")
    git(repository, "tag", "v0.3.0")
    with pytest.raises(ReleaseError, match=r"2 tags, v0\.2\.0, v0\.3\.0: leave one"):
        release_of(repository)


def test_a_tree_without_git_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="is no clone of a git repository"):
        release_of(tmp_path)


def test_code_without_a_version_is_refused(repository: Path) -> None:
    commit(repository, "version = 1\n")
    with pytest.raises(ReleaseError, match="has no line __version__"):
        release_of(repository)


@pytest.mark.parametrize(
    ("python", "semantic"),
    [
        ("1.2.3", "1.2.3"),
        ("1.2", "1.2.0"),
        ("1.2.0rc1", "1.2.0-rc.1"),
        ("1.2.0a2.dev3", "1.2.0-a.2.dev.3"),
        ("1.2.0.dev3+gabc", "1.2.0-dev.3+gabc"),
    ],
)
def test_each_version_has_its_spelling_in_semantic_versioning(python: str, semantic: str) -> None:
    assert semver(Version(python)) == semantic


@pytest.mark.parametrize("python", ["1.2.3.post1", "1!2.3.4", "1.2.3.4"])
def test_a_version_without_one_is_refused(python: str) -> None:
    with pytest.raises(ReleaseError, match="no counterpart in semantic versioning"):
        semver(Version(python))


def test_the_version_is_written_where_the_code_names_it() -> None:
    assert with_version('"""a"""\n\n__version__ = "0.1.0"\nb = 1\n', "0.2.0") == (
        '"""a"""\n\n__version__ = "0.2.0"\nb = 1\n'
    )
