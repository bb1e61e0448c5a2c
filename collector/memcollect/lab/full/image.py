"""The guest's root file system, kernel and first root file system: made once, then kept.

    CACHE/full/KEY/root.img    ext4, sparse; never written to after it was made
    CACHE/full/KEY/vmlinuz, initrd.img
    CACHE/full/KEY/login       the key that root of the guest accepts, made with this image

KEY is of what the image is made of (recipe.Recipe.key). mmdebstrap does the work, as root or, where the user
has subordinate ids, in a user namespace; so does mkfs.ext4, which needs no mount.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from memcollect.alone import alone
from memcollect.lab import archive, images, kernels, space
from memcollect.lab.errors import LabError, MissingToolError
from memcollect.lab.full.recipe import Recipe, recipe

Say = Callable[[str], None]
"""Receives a line about what is being done."""

_TOOLS = {"mmdebstrap": "mmdebstrap", "ssh-keygen": "openssh-client"}
_BUILD_BYTES = 4 << 30
"""What a build needs for a while: the tree and the image, about 1 GiB each, and the downloads."""


class Image(Struct, frozen=True, kw_only=True):
    """An image that is ready to be booted; paths on this machine."""

    version: str
    directory: str

    @property
    def root(self) -> Path:
        """The root file system."""
        return Path(self.directory, "root.img")

    @property
    def kernel(self) -> Path:
        """The kernel."""
        return Path(self.directory, "vmlinuz")

    @property
    def initrd(self) -> Path:
        """The first root file system, which has the drivers for the disks."""
        return Path(self.directory, "initrd.img")

    @property
    def login(self) -> Path:
        """The private key that lets in."""
        return Path(self.directory, "login")


def cache() -> Path:
    """Return where images are kept: beside the fetched kernels."""
    return kernels.cache().with_name("full")


def provide(version: str, say: Say = lambda _line: None) -> Image:
    """Return the image with that kernel, made now if it is not kept yet; two makers wait for each other.

    Raises MissingToolError, NoSpaceError, and LabError with the builder's last words.
    """
    wanted = recipe(version)
    directory = cache() / wanted.key
    with alone(
        cache() / f".{wanted.key}.lock", lambda: say("waiting for another program that makes the same image")
    ):
        if not directory.exists():
            _make(wanted, directory, say)
    return Image(version=version, directory=str(directory))


def _make(wanted: Recipe, directory: Path, say: Say) -> None:
    _refuse_impossible(directory.parent)
    with tempfile.TemporaryDirectory(prefix=f"{directory.name}.part-", dir=directory.parent) as name:
        work = Path(name)
        work.chmod(0o755)
        say(f"making the image with kernel {wanted.version}, once (3 minutes, 1 GiB in {directory.parent})")
        result = work / "result"
        result.mkdir()
        _make_login(result / "login")
        _install(wanted, work)
        say("writing its file system")
        _write_image(wanted, work, result)
        result.rename(directory)


def _refuse_impossible(parent: Path) -> None:
    for tool, package in _TOOLS.items():
        if shutil.which(tool) is None:
            raise MissingToolError(tool, package)
    space.require(parent, _BUILD_BYTES, "making the full lab's image", "MEMCOLLECT_LAB_DIR")
    if os.geteuid() != 0 and shutil.which("newuidmap") is None:
        raise MissingToolError("newuidmap", "uidmap")


def _make_login(path: Path) -> None:
    _run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "memcollect-lab", "-f", str(path)])


def _install(wanted: Recipe, work: Path) -> None:
    """Make the tree `work`/root from Debian's packages."""
    files = work / "files"
    for path, content in wanted.files.items():
        target = files / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
    authorized = files / "root/.ssh/authorized_keys"
    authorized.parent.mkdir(parents=True)
    authorized.write_text((work / "result/login.pub").read_text())
    sources = [_source(suite, work / f"sources-{suite}") for suite in wanted.suites]
    unwanted = [f"--dpkgopt=path-exclude=/usr/share/{each}/*" for each in ("doc", "man", "locale", "info")]
    command = [
        *("mmdebstrap", "--variant=minbase", "--architectures=amd64", "--format=directory"),
        f'--aptopt=APT::Default-Release "{wanted.suites[0]}"',
        # Mirrors that stand still are common, and the signature is checked all the same.
        '--aptopt=Acquire::Check-Valid-Until "false"',
        *unwanted,
        f"--include={','.join(wanted.packages)}",
        f"--essential-hook=sync-in {files} /",
        *(f"--customize-hook=chroot \"$1\" sh -c '{each}'" for each in wanted.commands),
        *(wanted.suites[0], str(work / "root"), *map(str, sources)),
    ]
    _run(command)


def _source(suite: str, directory: Path) -> Path:
    directory.mkdir()
    return archive.source_of(suite, directory)


def _write_image(wanted: Recipe, work: Path, result: Path) -> None:
    root = work / "root"
    for name in ("vmlinuz", "initrd.img"):
        newest = max((root / "boot").glob(f"{name}-*"), key=_version_of, default=None)
        if newest is None:
            raise LabError(f"the image has no {name}: its kernel's package did not install it")
        shutil.copyfile(newest, result / name)
    image = result / "root.img"
    if os.geteuid() == 0:
        images.make_ext4(image, wanted.size_bytes, root)
        return
    with image.open("wb") as file:
        file.truncate(wanted.size_bytes)
    # The tree belongs to ids that only a user namespace like mmdebstrap's may read.
    _run(["mmdebstrap", "--unshare-helper", "/sbin/mkfs.ext4", "-q", "-F", "-d", str(root), str(image)])
    _run(["mmdebstrap", "--unshare-helper", "rm", "-rf", str(root)])


def _version_of(path: Path) -> list[int]:
    parts = path.name.partition("-")[2].replace("+", ".").replace("-", ".").split(".")
    return [int(part) for part in parts if part.isdigit()]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603 -- our own arguments
    if done.returncode != 0:
        raise LabError(f"{command[0]} failed: {_last_words(done.stderr.strip() or done.stdout.strip())}")


def _last_words(said: str) -> str:
    """Return the last lines; of mmdebstrap's those before it tells of its own end, where apt says why."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    reasons = [line for line in lines if not re.match(r"I: |E: (setup|mmdebstrap) failed", line)]
    return " / ".join((reasons or lines)[-3:])
