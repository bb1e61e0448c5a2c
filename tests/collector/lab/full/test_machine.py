"""Machines that come up and that do not, by a stand-in for QEMU: why not is told, and nothing is left."""

import os
from pathlib import Path

import pytest

from memcollect.lab.errors import BootError, MissingToolError, TimeLimitError
from memcollect.lab.full import machine
from memcollect.lab.full.image import Image
from memcollect.lab.full.machine import Setting
from memcollect.lab.full.recipe import DISKS, READY

IMAGE = Image(version="6.12", directory="/nowhere")


def stand_in(directory: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a shell script in QEMU's place; its console file is $CONSOLE. Return the machine's directory."""
    programs, own = directory / "bin", directory / "machine"
    programs.mkdir()
    own.mkdir()
    qemu = programs / "qemu-system-x86_64"
    qemu.write_text(f"#!/bin/sh\necho $$ > {directory}/pid\nCONSOLE={own}/console.log\n{script}\n")
    qemu.chmod(0o755)
    (programs / "ssh").symlink_to("/bin/true")
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return own


def is_there(directory: Path) -> bool:
    pid = int((directory / "pid").read_text())
    return Path(f"/proc/{pid}").exists()


def test_it_is_up_when_its_console_says_so_and_gone_when_it_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = stand_in(tmp_path, f"echo '{READY}' > $CONSOLE\nexec sleep 100", monkeypatch)
    running = machine.start(IMAGE, Setting(boot_seconds=30), own)
    assert {f"{disk}.img" for disk in DISKS} <= {each.name for each in own.iterdir()}
    assert is_there(tmp_path)
    machine.end(running)
    assert not is_there(tmp_path)
    machine.end(running)


def test_one_that_ends_early_tells_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = stand_in(tmp_path, "echo 'Kernel panic - no root' > $CONSOLE\nexit 1", monkeypatch)
    with pytest.raises(BootError, match="ended before the guest was up: Kernel panic - no root"):
        machine.start(IMAGE, Setting(boot_seconds=30), own)


def test_one_that_never_comes_up_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = stand_in(tmp_path, "exec sleep 100", monkeypatch)
    with pytest.raises(TimeLimitError, match="not up within 1 s; its last words: none"):
        machine.start(IMAGE, Setting(boot_seconds=1), own)
    assert not is_there(tmp_path)


def test_without_qemu_it_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match="apt-get install qemu-system-x86"):
        machine.start(IMAGE, Setting(), tmp_path)


def test_the_image_is_never_written_to_and_the_guest_reaches_no_network() -> None:
    words = machine._arguments(IMAGE, Setting(), Path("/machine"), 2222)
    root = next(word for word in words if word.startswith("file=/nowhere/root.img"))
    assert "snapshot=on" in root
    (network,) = [word for word in words if word.startswith("user,")]
    assert "restrict=on" in network
    assert "hostfwd=tcp:127.0.0.1:2222-:22" in network
