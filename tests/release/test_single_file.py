"""How wheels of many platforms become one folder, and what an unfit Python is told."""

import platform
import runpy
import sys
import zipfile
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from release import single_file, starting
from release.programs import ReleaseError, run
from release.single_file import (
    EVERYWHERE,
    LEFT_OUT,
    PLATFORMS,
    PYTHONS,
    UNUSED,
    Recipe,
    Target,
    entries_of,
    fetched,
    linux,
    name_of,
    places,
    unpack,
)
from worlds.released import LIMIT_SECONDS

LOCK = Path(single_file.__file__).with_name("collector.lock")


def wheel(directory: Path, name: str, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(directory / name, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return directory / name


def test_compiled_parts_of_two_platforms_lie_beside_one_another(tmp_path: Path) -> None:
    shared = {"m/__init__.py": "x = 1\n"}
    first = wheel(tmp_path, "m-1-a.whl", {**shared, "m/c.linux.so": "1", "m-1.dist-info/WHEEL": "a"})
    second = wheel(tmp_path, "m-1-b.whl", {**shared, "m/c.darwin.so": "2", "m-1.dist-info/WHEEL": "b"})
    unpack([first, second], tmp_path / "into")
    found = {
        str(file.relative_to(tmp_path / "into")) for file in (tmp_path / "into").rglob("*") if file.is_file()
    }
    assert found == {"m/__init__.py", "m/c.linux.so", "m/c.darwin.so", "m-1.dist-info/WHEEL"}


def test_a_file_that_differs_between_platforms_is_refused(tmp_path: Path) -> None:
    wheels = [wheel(tmp_path, f"m-1-{each}.whl", {"m/c.so": each}) for each in "ab"]
    with pytest.raises(ReleaseError, match=r"m-1-b\.whl has a m/c\.so that differs from another"):
        unpack(wheels, tmp_path / "into")


def test_a_module_for_every_cpython_lies_under_each_ones_own_name(tmp_path: Path) -> None:
    machines = ("x86_64", "aarch64")
    wheels = [
        wheel(tmp_path, f"m-1-cp36-abi3-manylinux_2_17_{each}.whl", {"m/c.abi3.so": each})
        for each in machines
    ]
    unpack(wheels, tmp_path / "into")
    for each in machines:
        assert (tmp_path / f"into/m/c.cpython-311-{each}-linux-gnu.so").read_text() == each
    assert f"m/c{EXTENSION_SUFFIXES[0]}" in places(
        "m/c.abi3.so", f"m-1-manylinux_2_17_{platform.machine()}.whl"
    )


@pytest.mark.parametrize("named", ["manylinux_2_12", "manylinux_2_5"])
def test_a_wheel_for_an_older_glibc_is_fetched_whatever_else_it_is_named_for(
    named: str, tmp_path: Path
) -> None:
    name = f"m-1-cp36-abi3-{named}_x86_64.manylinux_2_28_x86_64.whl"
    metadata = "Metadata-Version: 2.1\nName: m\nVersion: 1\n"
    files = {"m-1.dist-info/METADATA": metadata, "m-1.dist-info/WHEEL": "Wheel-Version: 1.0\n"}
    there = wheel(tmp_path, name, files)
    (target,) = (each for each in EVERYWHERE if each.python == "3.12" and each.platforms == linux("x86_64"))
    pip = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--only-binary=:all:",
    ]
    run([*pip, *target.pip, "--find-links", tmp_path, "--dest", tmp_path / "into", "m"])
    assert (tmp_path / "into" / there.name).exists()


@pytest.mark.dist
@pytest.mark.timeout(LIMIT_SECONDS)
def test_all_that_the_lock_names_is_there_for_each_platform_side_by_side(tmp_path: Path) -> None:
    """For one Python each: the release itself fetches four times as much."""
    targets = [Target(python, platforms) for python, platforms in zip(PYTHONS, PLATFORMS, strict=False)]
    unpack(
        fetched(Recipe(wheel=tmp_path, lock=LOCK, targets=targets, epoch_seconds=0), tmp_path),
        tmp_path / "into",
    )
    compiled = {file.name for file in (tmp_path / "into/msgspec").glob("_core.*")}
    assert compiled == {
        "_core.cpython-311-x86_64-linux-gnu.so",
        "_core.cpython-312-aarch64-linux-gnu.so",
        "_core.cpython-313-darwin.so",
    }


def test_what_is_never_imported_stays_out(tmp_path: Path) -> None:
    files = dict.fromkeys(("kubernetes/aio/a.py", "yaml/_yaml.cpython-311.so", "m-1.data/scripts/m"), "")
    wheels = [
        wheel(
            tmp_path, f"m-1-{each}.whl", {**files, "yaml/__init__.py": "", "m-1.dist-info/sboms/m.json": each}
        )
        for each in "ab"
    ]
    unpack(wheels, tmp_path / "into")
    assert [file.name for file in (tmp_path / "into").rglob("*") if file.is_file()] == ["__init__.py"]
    assert LEFT_OUT.match("kubernetes/client/a.py") is None


def test_every_entry_of_the_lock_has_its_hashes() -> None:
    entries = entries_of(LOCK.read_text())
    assert {"msgspec", "click", "rich", "kubernetes", "pyyaml", "urllib3"} <= {
        name_of(each) for each in entries
    }
    assert all("--hash=sha256:" in each for each in entries)
    assert set(UNUSED) <= {name_of(each) for each in entries}


def test_a_program_that_fails_is_told_by_what_it_failed_of_not_by_its_warnings() -> None:
    speak = (
        "print('ERROR: none of that name\\n' + 'WARNING: not there\\n' * 9 + '[notice] a new pip'); exit(1)"
    )
    with pytest.raises(ReleaseError) as raised:
        run([sys.executable, "-c", speak])
    assert str(raised.value).endswith(f"{speak} … failed: ERROR: none of that name")
    with pytest.raises(ReleaseError, match="failed: WARNING: alone"):
        run([sys.executable, "-c", "print('WARNING: alone'); exit(1)"])


def test_this_python_is_fit() -> None:
    assert starting.reason() is None


def test_an_old_python_is_told_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(SystemExit) as ended:
        # As shiv runs it: with the archive's name among the globals.
        runpy.run_path(str(Path(starting.__file__)), {"archive": "./memcollect.pyz"}, run_name="__main__")
    said = str(ended.value.code)
    assert said.startswith("memcollect: it needs Python 3.11 or later, and this is CPython 3.")
    assert "Try: python3.11 ./memcollect.pyz …, or: " in said


def test_a_python_without_compiled_parts_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert str(starting.reason()).startswith("it has compiled parts for no Python, and this is CPython 3.")


def test_the_sentence_names_the_pythons_that_are_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "msgspec").mkdir()
    for fit in ("39-x86_64-linux-gnu", "311-x86_64-linux-gnu", "311-darwin", "314-darwin"):
        (tmp_path / f"msgspec/_core.cpython-{fit}.so").touch()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr(starting, "__file__", str(tmp_path / "bin/starting.py"))
    assert str(starting.reason()).startswith(
        "it has compiled parts for CPython 3.9, 3.11, 3.14 on darwin, x86_64-linux-gnu, and this is "
    )
