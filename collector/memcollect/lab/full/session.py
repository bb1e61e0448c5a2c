"""A machine that is up and holds our programs: for one piece of work, or kept until it is told to end."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from memcollect.lab.errors import BootError, LabError, TimeLimitError
from memcollect.lab.full import acceleration, image, machine, sources
from memcollect.lab.full.acceleration import EMULATED, VIRTUALISED
from memcollect.lab.full.image import Say
from memcollect.lab.full.machine import Running, Setting
from memcollect.termination import ending_cleanly

_VIRTUALISED_BOOT_SECONDS = 120.0
"""By then it is up, or this KVM does not do: one that emulates the guest's kernel itself takes hours."""


@contextmanager
def booted(version: str, say: Say = lambda _line: None, setting: Setting | None = None) -> Iterator[Running]:
    """Boot a machine of its own; at the end, however it comes, nothing of it is left. Raises LabError."""
    found = image.provide(version, say)
    with ending_cleanly(), machine.private_directory() as directory:
        running = _start(found, setting or Setting(), directory, say, lasting=False)
        try:
            yield running
        finally:
            machine.end(running)


def start(version: str, say: Say = lambda _line: None) -> Running:
    """Boot a machine that stays until `stop`. Raises LabError, also where one is running already."""
    if kept(version) is not None:
        raise LabError(f"a machine with kernel {version} is running already.")
    found = image.provide(version, say)
    place = _place(version)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True, mode=0o700)
    running = _start(found, Setting(), place, say, lasting=True)
    (place / "running.json").write_bytes(msgspec.json.encode(running))
    return running


def kept(version: str) -> Running | None:
    """Return the machine that `start` left running, None if there is none."""
    try:
        running = msgspec.json.decode((_place(version) / "running.json").read_bytes(), type=Running)
        command = Path(f"/proc/{running.pid}/cmdline").read_text()
    except (OSError, msgspec.DecodeError):
        return None
    return running if running.directory in command else None


def stop(version: str) -> bool:
    """End the kept machine and remove its files; whether there was one."""
    running = kept(version)
    if running is not None:
        machine.end(running)
    shutil.rmtree(_place(version), ignore_errors=True)
    return running is not None


def _start(found: image.Image, setting: Setting, directory: Path, say: Say, *, lasting: bool) -> Running:
    running = _boot(found, setting, directory, say, lasting=lasting)
    try:
        sources.put(running.remote)
    except BaseException:
        machine.end(running)
        raise
    return running


def _boot(found: image.Image, setting: Setting, directory: Path, say: Say, *, lasting: bool) -> Running:
    processor = acceleration.choose()
    if processor == VIRTUALISED:
        say(f"booting kernel {found.version} ({processor.text})")
        soon = min(setting.boot_seconds, _VIRTUALISED_BOOT_SECONDS)
        try:
            hurried = msgspec.structs.replace(setting, boot_seconds=soon)
            return machine.start(found, hurried, directory, processor, lasting=lasting)
        except (BootError, TimeLimitError) as error:
            say(f"not with KVM: {error}")
    say(f"booting kernel {found.version} ({EMULATED.text})")
    return machine.start(found, setting, directory, EMULATED, lasting=lasting)


def _place(version: str) -> Path:
    return image.cache() / f"running-{version}-{os.geteuid()}"
