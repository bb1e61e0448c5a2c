"""KVM is used where it gives this user a machine, and nowhere else; whoever asks for emulation gets it."""

import fcntl
import os
import platform
import sys
from pathlib import Path

import pytest

from memcollect.lab.full.acceleration import EMULATE, EMULATED, VIRTUALISED, choose
from worlds import children

DEVICE = Path("/dev/kvm")


def kvm_works() -> bool:
    """Ask the kernel in another way than memcollect does: is there a version, may a machine be made?"""
    program = (
        "import fcntl, sys; f = open('/dev/kvm', 'r+b', buffering=0);"
        "sys.exit(not (fcntl.ioctl(f, 0xAE00, 0) == 12 and fcntl.ioctl(f, 0xAE01, 0) > 2))"
    )
    return children.run([sys.executable, "-c", program]).returncode == 0


@pytest.fixture(autouse=True)
def nothing_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(EMULATE, raising=False)


def test_this_machine_is_judged_as_its_kernel_answers() -> None:
    expected = VIRTUALISED if platform.machine() == "x86_64" and kvm_works() else EMULATED
    assert choose(DEVICE) == expected


def test_emulation_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "ioctl", lambda *_arguments: os.dup(0))
    assert choose(Path(os.devnull)) == VIRTUALISED or platform.machine() != "x86_64"
    monkeypatch.setenv(EMULATE, "1")
    assert choose(Path(os.devnull)) == EMULATED


def test_without_the_device_it_is_emulated(tmp_path: Path) -> None:
    assert choose(tmp_path / "kvm") == EMULATED


def test_a_device_that_opens_and_makes_no_machine_is_none() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert choose(Path(os.devnull)) == EMULATED
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_foreign_processor_cannot_be_virtualised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "ioctl", lambda *_arguments: os.dup(0))
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert choose(Path(os.devnull)) == EMULATED


def test_what_emulation_needs_is_no_part_of_a_virtualised_machine() -> None:
    assert (VIRTUALISED.accelerator, VIRTUALISED.model) == ("kvm", "host")
    assert EMULATED.accelerator.startswith("tcg,")
    assert "erms=off" in EMULATED.model
