"""memcollect.pyz: the program and all it needs in one file, for a machine with a Python and no pip."""

import hashlib
import re
import shutil
import sys
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from release.archives import write_zip
from release.programs import ReleaseError, run

ENTRY = "memcollect.__main__:main"
PREAMBLE = Path(__file__).with_name("starting.py")
PACKED_BY = ("shiv",)
"""What is in the file beside the packages: it unpacks them."""
UNUSED = (
    *("aiohttp", "aiohttp-retry", "aiohappyeyeballs", "aiosignal"),
    *("frozenlist", "multidict", "propcache", "yarl"),
)
"""What the Kubernetes client names for its asynchronous half, which nothing here imports."""
LEFT_OUT = re.compile(r"kubernetes/aio/|.*\.data/|.*/_yaml\.[^/]*\.so$|[^/]*\.dist-info/sboms/")
"""That half; programs of the wheels; PyYAML's C library, without which it reads the same, everywhere; and
lists of what is compiled into a module, another for each platform: our own names the packages."""
_OF_ONE_PLATFORM = (".dist-info/WHEEL", ".dist-info/RECORD")
_LINUX_WHEEL = re.compile(r"manylinux_\d+_\d+_(x86_64|aarch64)\.")


class Target(Struct, frozen=True):
    """A Python that can run the file."""

    python: str
    platforms: Sequence[str]
    """As wheels for it are named, best first."""

    @property
    def pip(self) -> list[str]:
        """Its description for pip."""
        named = [f"--platform={platform}" for platform in self.platforms]
        return ["--implementation=cp", f"--python-version={self.python}", *named]


def linux(machine: str) -> tuple[str, ...]:
    """Return the names of wheels for a Linux with glibc 2.17 or newer.

    A wheel for an older glibc runs on a newer one (PEP 600), and may be named for the old one alone; pip
    takes a platform that it is told by its letter.
    """
    return tuple(f"manylinux_2_{minor}_{machine}" for minor in range(17, 4, -1))


PYTHONS = tuple(f"3.{minor}" for minor in (11, 12, 13, 14))
PLATFORMS = (linux("x86_64"), linux("aarch64"), ("macosx_11_0_arm64",))
EVERYWHERE = tuple(Target(python, platforms) for python in PYTHONS for platforms in PLATFORMS)


class Recipe(Struct, frozen=True, kw_only=True):
    """What the file is made of: the same of each always gives the same bytes."""

    wheel: Path
    lock: Path
    """What else is in it, by hash."""
    targets: Sequence[Target]
    """None: for the Python that runs this alone."""
    epoch_seconds: int
    share: Path | None = None
    """Completions and manual pages: below share/ in the file, where unzip takes them from."""


def build(recipe: Recipe, scratch: Path, into: Path) -> Path:
    """Make the file `into`, and return the folder of all that is in it, below the new folder `scratch`."""
    scratch.mkdir()
    packages = scratch / "site-packages"
    unpack([recipe.wheel, *fetched(recipe, scratch)], packages)
    shutil.copy(PREAMBLE, scratch)
    packed = scratch / "packed.pyz"
    run(
        [
            *(sys.executable, "-m", "shiv", "--reproducible", "--site-packages", packages),
            *("--entry-point", ENTRY, "--preamble", scratch / PREAMBLE.name),
            *("--python", "/usr/bin/env python3", "--output-file", packed),
        ],
        environment={"SOURCE_DATE_EPOCH": str(recipe.epoch_seconds)},
    )
    _write_settled(packed, recipe, into)
    return packages


def _write_settled(packed: Path, recipe: Recipe, into: Path) -> None:
    """Write what shiv packed once more, with share/.

    shiv keeps the modes of its own files and of the preamble, which the umask of whoever installed or cloned
    them gave, and its own files in the order of their directory.
    """
    shebang, newline, _ = packed.read_bytes().partition(b"\n")
    with zipfile.ZipFile(packed) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    if recipe.share is not None:
        files = (file for file in recipe.share.rglob("*") if file.is_file())
        members |= {f"share/{file.relative_to(recipe.share)}": file.read_bytes() for file in files}
    write_zip(members, recipe.epoch_seconds, shebang + newline, into)
    into.chmod(0o755)


def unpack(wheels: Iterable[Path], into: Path) -> None:
    """Lay the wheels out beside one another, as pip would, for all platforms at once.

    Raises ReleaseError where two have different files of the same name: one would hide the other.
    """
    seen: dict[str, bytes] = {}
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            names = [each for each in sorted(archive.namelist()) if _belongs(each)]
            for name, place in [(each, place) for each in names for place in places(each, wheel.name)]:
                content = archive.read(name)
                digest = hashlib.sha256(content).digest()
                if place not in seen:
                    seen[place] = digest
                    _write(into / place, content)
                elif seen[place] != digest and not place.endswith(_OF_ONE_PLATFORM):
                    raise ReleaseError(f"{wheel.name} has a {place} that differs from another platform's")


def places(name: str, wheel: str) -> list[str]:
    """Return where a wheel's file goes.

    A module for every CPython (abi3) has one name on all machines with Linux. CPython looks for a module by
    its own version and machine first, so there it is put, for each version.
    """
    machine = _LINUX_WHEEL.search(wheel)
    if machine is None or not name.endswith(".abi3.so"):
        return [name]
    bare = name.removesuffix(".abi3.so")
    return [f"{bare}.cpython-{each.replace('.', '')}-{machine[1]}-linux-gnu.so" for each in PYTHONS]


def _belongs(name: str) -> bool:
    return not name.endswith("/") and LEFT_OUT.match(name) is None


def _write(file: Path, content: bytes) -> None:
    """Write a file that all may read, whatever the umask here: its mode is kept in the archive."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    file.chmod(0o644)


def fetched(recipe: Recipe, scratch: Path) -> list[Path]:
    """Return the wheels of all that the lock names, those with compiled parts for every target.

    Raises ReleaseError where an index has none of one.
    """
    wheels = scratch / "wheels"
    entries = [each for each in entries_of(recipe.lock.read_text()) if name_of(each) not in UNUSED]
    if not recipe.targets:
        _download(entries, [], wheels, scratch)
        return sorted(wheels.iterdir())
    first, *others = recipe.targets
    _download(entries, first.pip, wheels, scratch)
    compiled = {_project(wheel) for wheel in wheels.iterdir() if not wheel.name.endswith("-none-any.whl")}
    for target in others:
        _download([each for each in entries if name_of(each) in compiled], target.pip, wheels, scratch)
    return sorted(wheels.iterdir())


def _download(entries: Sequence[str], options: Sequence[str], wheels: Path, scratch: Path) -> None:
    wanted = scratch / "wanted.txt"
    wanted.write_text("".join(entries))
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    run([*pip, "--only-binary=:all:", *options, "--dest", str(wheels), "--requirement", str(wanted)])


def entries_of(lock: str) -> list[str]:
    """Return a lock's entries: each a requirement and the hashes of its files, over several lines."""
    text = "".join(line for line in lock.splitlines(keepends=True) if not line.startswith("#"))
    return [each for each in re.split(r"(?m)^(?=\S)", text) if each.strip()]


def name_of(entry: str) -> str:
    """Return the name of the project that an entry of a lock is of."""
    return re.split(r"[=\[; ]", entry, maxsplit=1)[0]


def _project(wheel: Path) -> str:
    return wheel.name.split("-")[0].replace("_", "-").lower()
