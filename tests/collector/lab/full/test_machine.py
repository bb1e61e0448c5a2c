"""Machines that come up and that do not, by a stand-in for QEMU: why not is told, and nothing is left."""

import os
from pathlib import Path

import pytest

from memcollect.lab.errors import BootError, MissingToolError, TimeLimitError
from memcollect.lab.full import acceleration, machine, session
from memcollect.lab.full.acceleration import EMULATED, VIRTUALISED, Processor
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
    running = machine.start(IMAGE, Setting(boot_seconds=30), own, EMULATED)
    assert {f"{disk}.img" for disk in DISKS} <= {each.name for each in own.iterdir()}
    assert is_there(tmp_path)
    machine.end(running)
    assert not is_there(tmp_path)
    machine.end(running)


def test_one_that_ends_early_tells_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = stand_in(tmp_path, "echo 'Kernel panic - no root' > $CONSOLE\nexit 1", monkeypatch)
    with pytest.raises(BootError, match="ended before the guest was up: Kernel panic - no root"):
        machine.start(IMAGE, Setting(boot_seconds=30), own, EMULATED)


def test_one_that_never_comes_up_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = stand_in(tmp_path, "exec sleep 100", monkeypatch)
    with pytest.raises(TimeLimitError, match="not up within 1 s; its last words: none"):
        machine.start(IMAGE, Setting(boot_seconds=1), own, EMULATED)
    assert not is_there(tmp_path)


def test_without_qemu_it_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match="apt-get install qemu-system-x86"):
        machine.start(IMAGE, Setting(), tmp_path, EMULATED)


def test_the_image_is_never_written_to_and_the_guest_reaches_no_network() -> None:
    words = machine._arguments(IMAGE, Setting(), Path("/machine"), EMULATED, 2222)
    root = next(word for word in words if word.startswith("file=/nowhere/root.img"))
    assert "snapshot=on" in root
    (network,) = [word for word in words if word.startswith("user,")]
    assert "restrict=on" in network
    assert "hostfwd=tcp:127.0.0.1:2222-:22" in network


@pytest.mark.parametrize("processor", [EMULATED, VIRTUALISED])
def test_the_processor_is_the_one_that_was_chosen(processor: Processor) -> None:
    words = machine._arguments(IMAGE, Setting(cpus=3), Path("/machine"), processor, 2222)
    assert words[words.index("-accel") + 1] == processor.accelerator
    assert words[words.index("-cpu") + 1] == processor.model
    assert words[words.index("-smp") + 1] == "3"


BROKEN_KVM = """case " $* " in
*" kvm "*) {broken};;
*) echo '{ready}' > $CONSOLE; exec sleep 100;;
esac"""


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("echo 'KVM internal error. Suberror: 1' >&2; exec sleep 100", "KVM cannot run the guest's kernel."),
        ("echo 'failed to initialize kvm' >&2; exit 1", "QEMU ended before the guest was up: failed to"),
        ("exec sleep 100", "the guest was not up within 1 s"),
    ],
)
def test_where_kvm_does_not_do_it_is_said_and_the_processor_is_emulated(
    broken: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = stand_in(tmp_path, BROKEN_KVM.format(broken=broken, ready=READY), monkeypatch)
    monkeypatch.setattr(acceleration, "choose", lambda: VIRTUALISED)
    monkeypatch.setattr(session, "_VIRTUALISED_BOOT_SECONDS", 1.0)
    said: list[str] = []
    running = session._boot(IMAGE, Setting(boot_seconds=30), own, said.append, lasting=False)
    machine.end(running)
    assert not is_there(tmp_path)
    assert [line.partition(":")[0] for line in said] == [
        "booting kernel 6.12 (some seconds",
        "not with KVM",
        "booting kernel 6.12 (a minute or two",
    ]
    assert told in said[1]


def test_a_machine_that_comes_up_by_kvm_is_the_one_that_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f"echo \"$@\" > {tmp_path}/words\necho '{READY}' > $CONSOLE\nexec sleep 100"
    own = stand_in(tmp_path, script, monkeypatch)
    monkeypatch.setattr(acceleration, "choose", lambda: VIRTUALISED)
    said: list[str] = []
    machine.end(session._boot(IMAGE, Setting(boot_seconds=30), own, said.append, lasting=False))
    assert said == ["booting kernel 6.12 (some seconds: KVM)"]
    assert "-cpu host -accel kvm" in (tmp_path / "words").read_text()
