"""Images that real tools accept."""

import shutil
from pathlib import Path

import pytest

from memcollect.lab import images
from memcollect.lab.errors import LabError, MissingToolError
from worlds import children


def test_a_swap_image_has_the_header_that_file_and_the_kernel_look_for(tmp_path: Path) -> None:
    path = tmp_path / "swap.img"
    images.make_swap(path, 1 << 20)
    content = path.read_bytes()
    assert len(content) == 1 << 20
    assert content[4096 - 10 : 4096] == b"SWAPSPACE2"
    assert int.from_bytes(content[1028:1032], "little") == (1 << 20) // 4096 - 1


@pytest.mark.skipif(shutil.which("dumpe2fs", path="/usr/sbin:/sbin") is None, reason="needs e2fsprogs")
def test_an_ext4_image_is_sound_and_has_the_size_asked_for(tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "file").write_text("text")
    path = tmp_path / "disk.img"
    images.make_ext4(path, 16 << 20, tmp_path / "content")
    assert path.stat().st_size == 16 << 20
    check = shutil.which("e2fsck", path="/usr/sbin:/sbin")
    assert check is not None
    assert children.run([check, "-fn", path]).returncode == 0


@pytest.mark.skipif(shutil.which("mkfs.ext4", path="/usr/sbin:/sbin") is None, reason="needs e2fsprogs")
def test_an_image_too_small_for_a_file_system_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"mkfs\.ext4 failed on"):
        images.make_ext4(tmp_path / "disk.img", 4096)


def test_without_mkfs_the_sentence_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(images, "_SBIN", str(tmp_path))
    with pytest.raises(MissingToolError, match="apt-get install e2fsprogs"):
        images.make_ext4(tmp_path / "disk.img", 1 << 20)
