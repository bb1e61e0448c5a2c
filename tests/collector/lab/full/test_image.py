"""The image is made once, by one maker at a time, and not begun where it cannot be ended."""

import shutil
import threading
from pathlib import Path

import pytest

from memcollect.lab.errors import LabError, MissingToolError, NoSpaceError
from memcollect.lab.full import image
from memcollect.lab.full.recipe import Recipe, recipe


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, on a machine that has the tools and the room."""
    monkeypatch.setenv("MEMCOLLECT_LAB_DIR", str(tmp_path))
    monkeypatch.setattr(image, "_refuse_impossible", lambda _parent: None)
    return tmp_path / "full"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was made, by a maker that makes no more than the names."""
    names: list[str] = []

    def install(wanted: Recipe, work: Path) -> None:
        names.append(wanted.key)
        (work / "root").mkdir()

    def write(_wanted: Recipe, _work: Path, result: Path) -> None:
        (result / "root.img").write_text("image")

    monkeypatch.setattr(image, "_make_login", lambda path: path.with_name("login.pub").write_text("key"))
    monkeypatch.setattr(image, "_install", install)
    monkeypatch.setattr(image, "_write_image", write)
    return names


def test_it_is_made_once_and_then_kept(cache: Path, made: list[str]) -> None:
    first, second = image.provide("6.12"), image.provide("6.12")
    assert first == second
    assert made == [recipe("6.12").key]
    assert first.root.read_text() == "image"
    assert {each.name for each in cache.iterdir() if not each.name.startswith(".")} == set(made)


@pytest.mark.usefixtures("cache")
def test_two_that_ask_at_once_get_one(made: list[str]) -> None:
    threads = [threading.Thread(target=image.provide, args=("6.12",)) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(made) == 1


def test_what_failed_leaves_nothing_and_is_tried_again(
    cache: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise LabError("mmdebstrap failed: no network")

    with monkeypatch.context() as broken:
        broken.setattr(image, "_write_image", fail)
        with pytest.raises(LabError, match="no network"):
            image.provide("6.12")
    assert [each for each in cache.iterdir() if not each.name.startswith(".")] == []
    image.provide("6.12")
    assert len(made) == 2


def test_without_room_it_says_how_much_and_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMCOLLECT_LAB_DIR", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda tool: f"/usr/bin/{tool}")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: _Usage())
    with pytest.raises(NoSpaceError, match=r"image \(4096 MiB\): .* has 5 MiB free; set MEMCOLLECT_LAB_DIR"):
        image.provide("6.12")


class _Usage:
    free = 5 << 20


def test_without_the_builder_it_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMCOLLECT_LAB_DIR", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match="apt-get install mmdebstrap"):
        image.provide("6.12")


def test_of_several_kernels_in_an_image_the_newest_is_booted() -> None:
    names = ["vmlinuz-6.12.9+deb13-amd64", "vmlinuz-6.12.43+deb13-amd64", "vmlinuz-7.2.1-1-amd64"]
    assert max(map(Path, names), key=image._version_of).name == "vmlinuz-7.2.1-1-amd64"
    assert max(map(Path, names[:2]), key=image._version_of).name == "vmlinuz-6.12.43+deb13-amd64"


def test_what_apt_could_not_install_is_told_and_not_how_mmdebstrap_ended() -> None:
    said = [
        "I: installing remaining packages inside the chroot...",
        "The following packages have unmet dependencies:",
        " initramfs-tools : Depends: initramfs-tools-core (= 0.148.4) but it is not going to be installed",
        "E: Unable to correct problems, you have held broken packages.",
        "E: setup failed: E: apt-get --yes install initramfs-tools linux-image-amd64/sid failed",
        "I: main() received signal PIPE: waiting for setup...",
        "E: mmdebstrap failed to run",
    ]
    reason = (
        "sh failed: The following packages have unmet dependencies: / initramfs-tools : Depends: "
        "initramfs-tools-core (= 0.148.4) but it is not going to be installed / "
        "E: Unable to correct problems, you have held broken packages."
    )
    with pytest.raises(LabError) as error:
        image._run(["sh", "-c", 'printf "%s\n" "$@" >&2; exit 25', "sh", *said])
    assert str(error.value).startswith(reason)


def test_a_tool_that_says_nothing_else_is_told_by_its_own_words() -> None:
    with pytest.raises(LabError, match="E: mmdebstrap failed to run"):
        image._run(["sh", "-c", "echo E: mmdebstrap failed to run >&2; exit 1"])
