"""User-Mode Linux kernels: the installed one, and others fetched from Debian's archive into a cache.

    python -m memcollect.lab.kernels fetch 7.2

A fetched kernel runs with its own C library: its program file is made to look for the loader beside
itself, so that the guest's root can stay the host's whatever the host's library is. (Starting it through
the loader does not do: User-Mode Linux takes the end of its heap for the end of its program.)
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
from msgspec import Struct

from memcollect.lab import matrix, processor
from memcollect.lab.errors import LabError, MissingToolError

SUITES = {row.version: row.suite for row in matrix.MATRIX if row.boot is matrix.Boot.PROGRAM}
"""Which suite of Debian holds which kernel that runs as a program."""

_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_MIRROR = "http://deb.debian.org/debian"
_LOADER = b"/lib64/ld-linux-x86-64.so.2"
_OUR_LOADER = b"lib/ld.so"
"""Relative: looked up from the working directory, which is the kernel's own; it must not be longer."""


class Kernel(Struct, frozen=True, kw_only=True):
    """A kernel that can be booted."""

    release: str
    """As `uname -r` prints it in the guest."""
    program: str
    modules: str
    """The directory that holds its `kernel/` tree of modules."""
    directory: str = "/"
    """Where it must be started."""
    environment: dict[str, str] = {}
    options: list[str] = []
    traces: bool = True
    """Whether it runs its programs by ptrace(2)."""
    sets_bytes: int | None = matrix.FIXED_BYTES
    """How large a register area it sets; None: as large as the host's. Too small a number does no harm."""

    def module(self, path: str) -> str:
        """Return the file of one module, e.g. "fs/overlayfs/overlay.ko"; LabError if it has none."""
        file = Path(self.modules, "kernel", path)
        if file.exists():
            return str(file)
        raise LabError(f"kernel {self.release} has no module {path} below {self.modules}")


def find(version: str | None = None) -> Kernel:
    """Return the kernel of `version` ("6.1"): the installed one if it is that, else a fetched one.

    Without `version` it is the installed one. Raises MissingToolError when nothing is installed, LabError
    when `version` was never fetched.
    """
    processor.require_x86_64()
    own = installed()
    if own is not None and (version is None or _is(own.release, version)):
        return own
    if version is None:
        raise MissingToolError("linux.uml", "user-mode-linux")
    directory = cache() / version
    if not (directory / "linux.uml").exists():
        raise LabError(
            f"kernel {version} is not here; fetch it with: python -m memcollect.lab.kernels fetch {version}"
        )
    return _cached(directory)


def provide(version: str | None = None) -> Kernel:
    """Return what `find` returns, fetching a version that is named and not here; raises as both do."""
    processor.require_x86_64()
    own = installed()
    if version is None or (own is not None and _is(own.release, version)):
        return find(version)
    return fetch(version)


def installed() -> Kernel | None:
    """Return the kernel of Debian's package user-mode-linux, None if it is not installed."""
    program = shutil.which("linux.uml") or shutil.which("linux.uml", path="/usr/bin:/usr/local/bin")
    if program is None:
        return None
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 -- found by its name
    release = done.stdout.strip()
    return _known(Kernel(release=release, program=program, modules=f"/usr/lib/uml/modules/{release}"))


def cache() -> Path:
    """Return where fetched kernels are kept: MEMCOLLECT_LAB_DIR, else below XDG_CACHE_HOME."""
    own = os.environ.get("MEMCOLLECT_LAB_DIR")
    if own:
        return Path(own) / "kernels"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "memcollect" / "kernels"


def fetch(version: str) -> Kernel:
    """Download the kernel and its C library with apt, without installing anything, and return it.

    Raises LabError when the version is unknown or the download fails.
    """
    if version not in SUITES:
        raise LabError(f"no suite of Debian is known to hold kernel {version}; known: {', '.join(SUITES)}")
    directory = cache() / version
    if (directory / "linux.uml").exists():
        return _cached(directory)
    work = directory.with_name(f"{version}.part")
    shutil.rmtree(work, ignore_errors=True)
    _download(work, SUITES[version])
    _assemble(work, version)
    shutil.rmtree(directory, ignore_errors=True)
    work.rename(directory)
    return _cached(directory)


def _is(release: str, version: str) -> bool:
    return release == version or release.startswith(version + ".")


def _download(work: Path, suite: str) -> None:
    """Fetch and unpack user-mode-linux and libc6 of `suite` below `work`, with apt's own signature checks."""
    for tool, package in (("apt-get", "apt"), ("dpkg-deb", "dpkg")):
        if shutil.which(tool) is None:
            raise MissingToolError(tool, package)
    apt = work / "apt"
    for part in ("lists/partial", "cache/archives/partial"):
        (apt / part).mkdir(parents=True)
    (apt / "status").touch()
    (apt / "sources.list").write_text(f"deb [signed-by={_KEYRING}] {_MIRROR} {suite} main\n")
    options = {
        "Dir::Etc::SourceList": apt / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": apt / "lists",
        "Dir::State::status": apt / "status",
        "Dir::Cache": apt / "cache",
        "APT::Sandbox::User": "",
        "APT::Architecture": "amd64",
        "Acquire::Languages": "none",
    }
    command = ["apt-get", "-q", *(f"-o{name}={value}" for name, value in options.items())]
    _run([*command, "update"], apt)
    _run([*command, "download", "user-mode-linux", "libc6"], apt)
    for file in apt.glob("*.deb"):
        _run(["dpkg-deb", "-x", str(file), str(work / "root")], apt)
    shutil.rmtree(apt)


def _run(command: list[str], directory: Path) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)  # noqa: S603 -- our own arguments
    if done.returncode != 0:
        raise LabError(f"{command[0]} failed: {done.stderr.strip() or done.stdout.strip()}")


def _assemble(work: Path, version: str) -> None:
    """Put the patched program, its loader and its libraries where `_cached` looks for them."""
    root = work / "root"
    library = next(iter(root.glob("**/libc.so.6"))).parent
    shutil.copytree(library, work / "lib", ignore=_directories)
    loader = next(
        file for name in ("ld-linux-x86-64.so.2", "ld-2.31.so") if (file := work / "lib" / name).exists()
    )
    shutil.copy(loader, work / "lib" / "ld.so")
    (modules,) = (root / "usr/lib/uml/modules").iterdir()
    if not _is(modules.name, version):
        raise LabError(f"Debian's {SUITES[version]} now holds kernel {modules.name}, not {version}")
    shutil.move(modules, work / "modules" / modules.name)
    content = (root / "usr/bin/linux.uml").read_bytes()
    if content.count(_LOADER) != 1:
        raise LabError(
            f"kernel {modules.name} does not name its loader as expected; it cannot be run from a cache"
        )
    program = work / "linux.uml"
    program.write_bytes(content.replace(_LOADER, _OUR_LOADER.ljust(len(_LOADER), b"\0")))
    program.chmod(0o755)
    shutil.rmtree(root)


def _directories(parent: str, names: list[str]) -> set[str]:
    return {name for name in names if Path(parent, name).is_dir()}


def _cached(directory: Path) -> Kernel:
    (modules,) = (directory / "modules").iterdir()
    return _known(
        Kernel(
            release=modules.name,
            program=str(directory / "linux.uml"),
            modules=str(modules),
            directory=str(directory),
            environment={"LD_LIBRARY_PATH": str(directory / "lib")},
        )
    )


def _known(found: Kernel) -> Kernel:
    """Return it with what the matrix knows of its release."""
    row = matrix.row_of(found.release)
    if row is None:
        return found
    return msgspec.structs.replace(
        found, options=list(row.options), traces=row.traces, sets_bytes=row.sets_bytes
    )


def main(arguments: list[str]) -> int:
    """Fetch the kernels named, print where each is."""
    if len(arguments) < 2 or arguments[0] != "fetch":
        sys.stderr.write(f"usage: python -m memcollect.lab.kernels fetch {{{','.join(SUITES)}}} …\n")
        return 2
    try:
        for version in arguments[1:]:
            kernel = fetch(version)
            sys.stdout.write(f"{version}: {kernel.release}, {kernel.program}\n")
    except LabError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
