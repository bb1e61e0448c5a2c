"""One container of a created pod: its cgroup, what it sees of the disk, and programs that enter both."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from memcollect.lab import sandbox
from memcollect.lab.errors import LabError
from memcollect.lab.sandboxes import PROGRAM
from memcollect.testing.sandboxes import aio

# Arguments: the cgroup and the program. The cgroup is entered at the end, so that what the way there costs
# is nobody's.
_ENTER = 'echo $$ > "$0/cgroup.procs" && exec "$@"'
_MOUNT = 'mount -a -T "$1" && shift && ' + _ENTER
DEFAULT_COMMAND = (*PROGRAM, "4", "0", "0")
"""What a container without a command runs, as if its image said so."""
_INTERFACE = ("/srv/python3", "-I", "-S", "/srv/aio.py", "--home", "/mnt/user-data/workspace")
_SEEN_BELOW = "/mnt/"
_TEMP = "/tmp"  # noqa: S108 -- the container's
_IMAGE_FOLDERS, _FILES_IN_EACH = 20, 25


class Volumes:
    """Where the volumes of pods are: `disk` is a directory on a real disk, `memory` one in shared memory."""

    def __init__(self, disk: Path, memory: Path) -> None:
        self._places = {"": disk, "Memory": memory}
        self._image = disk / "image"
        self.programs = disk / "programs"
        """Links by whose names processes are called."""
        self.programs.mkdir(exist_ok=True)
        _make_image(self._image)

    def prepare(self, document: Mapping[str, Any], container: Mapping[str, Any]) -> Path:
        """Make what a container sees, and return its table of mounts (fstab(5)). Raises LabError.

        The image's files stand at /usr/share and /srv, volumes below /mnt. Of /mnt the container sees a
        directory of its own, since the places of the volumes themselves may be below /mnt; its /tmp is a
        tmpfs, as otherwise all containers would share this machine's.
        """
        view = self._folder("", document["metadata"]["uid"]) / "views" / str(container["name"])
        view.mkdir(parents=True)
        lines = [_line(self._image / "share", "/usr/share"), _line(self._image / "srv", "/srv")]
        for mount in container.get("volumeMounts") or ():
            path: str = mount["mountPath"]
            if not path.startswith(_SEEN_BELOW):
                raise LabError(f"the lab shows volumes below /mnt only, not at {path}")
            point = view / path.removeprefix(_SEEN_BELOW)
            point.mkdir(parents=True)
            how = "bind,ro" if mount.get("readOnly") else "rbind"
            lines.append(_line(self._volume(document, mount["name"]), str(point), how))
        lines.append(_line(view, _SEEN_BELOW.rstrip("/")))
        if not Path(sys.executable).resolve().is_relative_to(_TEMP):
            lines.append(f"tmpfs {_TEMP} tmpfs mode=1777 0 0\n")
        table = view.with_suffix(".fstab")
        table.write_text("".join(lines))
        return table

    def remove(self, document: Mapping[str, Any]) -> None:
        """Remove the volumes of a pod."""
        for medium in self._places:
            shutil.rmtree(self._folder(medium, document["metadata"]["uid"]), ignore_errors=True)

    def _volume(self, document: Mapping[str, Any], name: str) -> Path:
        volumes = {each["name"]: each for each in document["spec"].get("volumes") or ()}
        volume = volumes.get(name) or {}
        if "hostPath" in volume:
            return Path(volume["hostPath"]["path"])
        medium = (volume.get("emptyDir") or {}).get("medium") or ""
        place = self._folder(medium if medium in self._places else "", document["metadata"]["uid"]) / name
        place.mkdir(parents=True, exist_ok=True)
        return place

    def _folder(self, medium: str, uid: str) -> Path:
        return self._places[medium] / f"pod-{uid}"


def _make_image(directory: Path) -> None:
    """Make the files of an image: many small ones, and the sandbox's program with its interpreter."""
    for number in range(_IMAGE_FOLDERS):
        folder = directory / "share" / f"package-{number:02}"
        folder.mkdir(parents=True, exist_ok=True)
        for file in range(_FILES_IN_EACH):
            (folder / f"file-{file:02}").touch()
    programs = directory / "srv"
    programs.mkdir(exist_ok=True)
    # Reports show command lines, and where this machine keeps its interpreter is nobody's business.
    (programs / "python3").symlink_to(Path(sys.executable).resolve())
    shutil.copy(sandbox.__file__, programs / "sandbox.py")
    shutil.copy(aio.__file__, programs / "aio.py")


def _line(source: Path, target: str, how: str = "rbind") -> str:
    return f"{source} {target} none {how} 0 0\n"


class Container:
    """A container that programs can enter."""

    def __init__(self, cgroup: Path, table: Path) -> None:
        self._cgroup = cgroup
        self._table = table
        self._program: subprocess.Popen[bytes] | None = None
        self._interface: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._lock = threading.Lock()

    def entering(self, command: Sequence[str]) -> list[str]:
        """Return the command line that runs `command` in the container, from its first page on.

        Raises LabError where the container's own program was not started.
        """
        if self._program is None:
            raise LabError("the container was not started")
        view = f"--mount=/proc/{self._program.pid}/ns/mnt"
        return ["nsenter", view, "--", "sh", "-c", _ENTER, str(self._cgroup), *command]

    def start(self, command: Sequence[str], *, until_ready: bool) -> None:
        """Start the container's own program, and wait for its line "ready" if wished. Raises LabError."""
        made = ["unshare", "--mount", "sh", "-c", _MOUNT, str(self._cgroup), str(self._table)]
        self._program = subprocess.Popen(  # noqa: S603 -- the manifest's own
            [*made, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if until_ready else subprocess.DEVNULL,
            start_new_session=True,
        )
        if self._program.stdout is not None and self._program.stdout.readline() != b"ready\n":
            raise LabError(f"{command[0]} ended with {self._program.wait()} before it was ready")

    def interface(self, faults: frozenset[str]) -> int:
        """Return the port of the container's AIO interface, which is started when it is first asked for.

        Started with the container it would cost each of the guide's hundred sandboxes an interpreter. Raises
        LabError.
        """
        with self._lock:
            if self._interface is None or self._interface.poll() is not None:
                words = [word for fault in sorted(faults & aio.FAULTS.keys()) for word in ("--fault", fault)]
                self._interface = subprocess.Popen(  # noqa: S603 -- our own program
                    self.entering([*_INTERFACE, *words]),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    start_new_session=True,
                )
                assert self._interface.stdout is not None  # noqa: S101 -- it was asked for
                line = self._interface.stdout.readline()
                if not line.strip().isdigit():
                    raise LabError("the sandbox's interface did not start")
                self._port = int(line)
            return self._port

    def reap(self) -> None:
        """Wait for the programs, which were ended with their cgroup."""
        for program in (self._program, self._interface):
            if program is not None:
                program.communicate()
