"""The mirror of Debian that this machine's own apt uses, for the kernels' and the image's downloads.

    python3 -m memcollect.lab.archive trixie       print a source of that suite, in deb822 style

apt's configuration holds for it, too: proxies, credentials, certificates; and so does what its sources say of
trust. What the machine does after each update of its own is not done. It needs nothing but Python, since
scripts/build-image runs it where nothing is installed yet.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from memcollect.lab.apt_sources import KEYRING, Mirror, Source, mirrors_of, read_lines, read_stanzas
from memcollect.lab.errors import LabError

_WITHOUT_HOOKS = "".join(
    f"#clear APT::Update::{when};\n" for when in ("Pre-Invoke", "Post-Invoke", "Post-Invoke-Success")
)
"""apt.conf(5): programs that this machine runs around its own updates."""
MIRROR_VARIABLE = "MEMCOLLECT_LAB_MIRROR"
"""An environment variable: the address of a mirror that is used in place of those of apt."""


def source_of(suite: str, directory: Path) -> Path:
    """Write a file of sources with a mirror that has `suite` into `directory`, and return it.

    Each that apt knows is asked for the suite's signed release, and Debian's own is preferred to others' that
    have one of that name. Raises LabError without apt, and where no mirror is configured or answers.
    """
    if shutil.which("apt-get") is None:
        raise LabError(
            "kernels come from Debian by apt-get, which this machine does not have.",
            "Run the lab on Debian, or in a container of it.",
        )
    file = directory / "debian.sources"
    others, problems = [], []
    for mirror in _mirrors():
        file.write_text(mirror.stanza(suite))
        try:
            origin = _origin(file)
        except LabError as error:
            problems.append(f"{_without_password(mirror.uri)}: {error}")
            continue
        if origin == "Debian":
            return file
        others.append(mirror)
    if others:
        file.write_text(others[0].stanza(suite))
        return file
    raise LabError(
        f"no mirror that apt knows gave Debian's {suite} ({'; '.join(problems)}).",
        f"Look at apt's network, proxy and sources, or set {MIRROR_VARIABLE} to a mirror's address.",
    )


def run_apt(source: Path, state: Path, arguments: list[str]) -> None:
    """Run apt-get in `state` for `source` alone, with all that apt writes kept there.

    Raises LabError with the reason that apt gives.
    """
    for part in ("lists/partial", "cache/archives/partial"):
        (state / part).mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    (state / "apt.conf").write_text(_WITHOUT_HOOKS)
    chosen = {
        "Dir::Etc::SourceList": "/dev/null",
        "Dir::Etc::SourceParts": source.parent,
        "Dir::Etc::Preferences": "/dev/null",
        "Dir::Etc::PreferencesParts": "/dev/null",
        "Dir::State::Lists": state / "lists",
        "Dir::State::status": state / "status",
        "Dir::Cache": state / "cache",
        "APT::Sandbox::User": "",
        "APT::Architecture": "amd64",
        "APT::Default-Release": "",
        "APT::Update::Error-Mode": "any",
        "Acquire::Languages": "none",
        # Mirrors that stand still are common, and the signature is checked all the same.
        "Acquire::Check-Valid-Until": "false",
    }
    options = [f"-c{state / 'apt.conf'}", *(f"-o{name}={value}" for name, value in chosen.items())]
    done = _run(["apt-get", "-q", *options, *arguments], state)
    if done.returncode != 0:
        raise LabError(reason_of(done.stderr))


def reason_of(errors: str) -> str:
    """Return apt's first error without the address, which is said beside it."""
    lines = [line[2:].strip() for line in errors.splitlines() if line.startswith("E:")]
    known = r"^(Failed to fetch \S+|The repository '[^']*') +"
    reasons = [re.sub(known, "", line).rstrip(".") for line in lines]
    return next(filter(None, reasons), "apt-get failed and did not say why")


def _mirrors() -> list[Mirror]:
    own = os.environ.get(MIRROR_VARIABLE)
    if own:
        return [Mirror(own, (("Signed-By", KEYRING),) if Path(KEYRING).exists() else ())]
    files = list(_files())
    found = mirrors_of([source for file in files for source in _read(file)])
    if found:
        return found
    seen = ", ".join(map(str, files)) or "there are none"
    raise LabError(
        f"apt's sources name no archive of a Debian release ({seen}).",
        f"Add one to them, or set {MIRROR_VARIABLE} to a mirror's address.",
    )


def _files() -> Iterator[Path]:
    """Yield the files of sources that apt reads."""
    names = {"list": "Dir::Etc::sourcelist/f", "parts": "Dir::Etc::sourceparts/d"}
    said = _run(["apt-config", "shell", *(word for pair in names.items() for word in pair)], Path("/")).stdout
    places = dict(re.findall(r"^(\w+)='(.*)'$", said, re.MULTILINE))
    one = Path(places.get("list", "/etc/apt/sources.list"))
    if one.is_file():
        yield one
    for file in sorted(Path(places.get("parts", "/etc/apt/sources.list.d")).glob("*")):
        if file.suffix in {".list", ".sources"}:
            yield file


def _read(file: Path) -> list[Source]:
    """Return a file's sources; one that only root may read is none of ours."""
    try:
        text = file.read_text(errors="replace")
    except OSError:
        return []
    return read_stanzas(text) if file.suffix == ".sources" else read_lines(text)


def _origin(source: Path) -> str | None:
    """Return whose release it is; raise LabError if it cannot be had or its signature is not good."""
    with tempfile.TemporaryDirectory() as name:
        state = Path(name)
        run_apt(source, state, ["-oAcquire::IndexTargets::deb::Packages::DefaultEnabled=false", "update"])
        releases = [file.read_text(errors="replace") for file in (state / "lists").glob("*Release")]
    if not releases:
        # Of a source that it is to trust, apt minds the lack of all there is to trust as little.
        raise LabError("it has no such release")
    found = [match[1] for text in releases if (match := re.search(r"^Origin: *(.*)$", text, re.MULTILINE))]
    return found[0] if found else None


def _without_password(uri: str) -> str:
    return re.sub(r"//[^/@]*@", "//", uri)


def _run(command: list[str], directory: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 -- our own arguments
        command,
        cwd=directory,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def main(arguments: list[str]) -> int:
    """Print the source."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python3 -m memcollect.lab.archive SUITE\n")
        return 2
    try:
        with tempfile.TemporaryDirectory() as directory:
            sys.stdout.write(source_of(arguments[0], Path(directory)).read_text())
    except LabError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
