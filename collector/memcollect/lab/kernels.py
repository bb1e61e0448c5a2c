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
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from memcollect.alone import alone
from memcollect.lab import archive, matrix, processor, space
from memcollect.lab.errors import LabError, MissingToolError
from memcollect.termination import ending_cleanly

Say = Callable[[str], None]
"""Hears what is being done, a line at a time."""

SUITES = {row.version: row.suite for row in matrix.MATRIX if row.boot is matrix.Boot.PROGRAM}
"""Which suite of Debian holds which kernel that runs as a program."""
DEFAULT = matrix.versions(matrix.Suite.LAB)[0]
"""Fetched where none is named and none is installed."""
_FETCH_BYTES = 512 << 20
"""What a fetch needs for a while; 120 to 180 MiB of it stay."""

LOADER = b"/lib64/ld-linux-x86-64.so.2"
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


def provide(version: str | None = None, say: Say = lambda _line: None) -> Kernel:
    """Return the kernel of `version` ("6.1"): the installed one if it is that, else a fetched one.

    Without `version` it is the installed one, and where there is none the one of `DEFAULT`. `say` hears of a
    fetch. Raises MachineError on a machine that can run none, and as `fetch` does.
    """
    processor.require_x86_64()
    own = installed()
    if own is not None and (version is None or _is(own.release, version)):
        return own
    return fetch(version or DEFAULT, say)


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


def fetch(version: str, say: Say = lambda _line: None) -> Kernel:
    """Download the kernel and its C library with apt, without installing anything, and return it.

    One that is here already is taken as it is. Of several that fetch it at once one does, and the others
    wait. Raises MachineError on a machine that cannot run it, NoSpaceError, and LabError when the version is
    unknown or the download fails; what was begun is removed.
    """
    processor.require_x86_64()
    if version not in SUITES:
        raise LabError(f"no suite of Debian is known to hold kernel {version}; known: {', '.join(SUITES)}")
    kept = _kept(version)
    if kept is not None:
        return kept
    directory = cache() / version
    try:
        lock = directory.with_name(f"{version}.lock")
        with (
            alone(lock, lambda: say(f"waiting for another program that fetches {version}")),
            ending_cleanly(),
        ):
            return _kept(version) or _fetched(directory, version, say)
    except OSError as error:
        raise LabError(
            f"kernel {version} cannot be kept in {directory.parent}: {error.strerror or error}.",
            "Set MEMCOLLECT_LAB_DIR to a directory of yours.",
        ) from error


def _fetched(directory: Path, version: str, say: Say) -> Kernel:
    """Make `directory` elsewhere and give it its name when it is whole."""
    work = directory.with_name(f"{version}.part")
    _remove(work)
    space.require(directory.parent, _FETCH_BYTES, f"kernel {version}", "MEMCOLLECT_LAB_DIR")
    say(
        f"fetching Linux {version} from Debian {SUITES[version]} (once; {_FETCH_BYTES >> 20} MiB for a while)"
    )
    try:
        _download(work, SUITES[version], say)
        _assemble(work, version)
        _remove(directory)
        work.rename(directory)
    finally:
        _remove(work)
    return _cached(directory)


def _remove(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)


def _kept(version: str) -> Kernel | None:
    """Return the fetched kernel of `version`, None if it is not here or not whole."""
    directory = cache() / version
    parts = [directory / "linux.uml", directory / "lib" / "ld.so", directory / "modules"]
    return _cached(directory) if all(part.exists() for part in parts) else None


def _is(release: str, version: str) -> bool:
    return release == version or release.startswith(version + ".")


def _download(work: Path, suite: str, say: Say) -> None:
    """Fetch and unpack user-mode-linux and libc6 of `suite` below `work`, with apt's own signature checks."""
    if shutil.which("dpkg-deb") is None:
        raise MissingToolError("dpkg-deb", "dpkg")
    state = work / "apt"
    (state / "sources").mkdir(parents=True)
    source = archive.source_of(suite, state / "sources")
    archive.run_apt(source, state, ["update"])
    say("downloading its packages user-mode-linux and libc6")
    archive.run_apt(source, state, ["download", "user-mode-linux", "libc6"])
    say("unpacking them")
    for file in state.glob("*.deb"):
        command = ["dpkg-deb", "-x", str(file), str(work / "root")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- our own arguments
        if done.returncode != 0:
            raise LabError(f"{file.name} cannot be unpacked: {done.stderr.strip()}")
    shutil.rmtree(state)


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
    if content.count(LOADER) != 1:
        raise LabError(
            f"kernel {modules.name} does not name its loader as expected; it cannot be run from a cache"
        )
    program = work / "linux.uml"
    program.write_bytes(content.replace(LOADER, _OUR_LOADER.ljust(len(LOADER), b"\0")))
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


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def main(arguments: list[str]) -> int:
    """Fetch the kernels named, print where each is."""
    if len(arguments) < 2 or arguments[0] != "fetch":
        sys.stderr.write(f"usage: python -m memcollect.lab.kernels fetch {{{','.join(SUITES)}}} …\n")
        return 2
    try:
        for version in arguments[1:]:
            kernel = fetch(version, _say)
            sys.stdout.write(f"{version}: {kernel.release}, {kernel.program}\n")
    except LabError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; what was begun is removed\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
