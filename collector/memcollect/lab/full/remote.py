"""Commands in the guest, and files to and from it: OpenSSH over one connection that all commands share."""

import io
import shlex
import subprocess
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from memcollect.lab.errors import LabError
from memcollect.lab.streams import lines_of

LineSink = Callable[[str], None]


class Remote(Struct, frozen=True, kw_only=True):
    """How root of a guest is reached."""

    port: int
    """On the loopback of this machine."""
    login: str
    """The private key's file."""
    control: str
    """The socket of the shared connection; its directory is private."""

    def ssh(self, command: Sequence[str]) -> list[str]:
        """Return the argv, on this machine, of a command in the guest; its stdio is the command's own."""
        options = {
            "IdentitiesOnly": "yes",
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
            "LogLevel": "ERROR",
            "ControlMaster": "auto",
            "ControlPersist": "yes",
            "ControlPath": self.control,
            "ConnectTimeout": "120",
            # The usual ones, made for the decades to come, take an emulated processor many seconds.
            "KexAlgorithms": "curve25519-sha256",
        }
        settings = [f"-o{name}={value}" for name, value in options.items()]
        where = ["-F", "none", "-i", self.login, "-p", str(self.port), "root@127.0.0.1"]
        return ["ssh", *settings, *where, "--", shlex.join(command)]

    def run(
        self, command: Sequence[str], time_limit_seconds: float, on_line: LineSink = lambda _line: None
    ) -> tuple[int, list[str]]:
        """Run it to its end; `on_line` gets its stdout. Return its exit code and its stderr by line.

        Raises TimeLimitError.
        """
        errors: list[str] = []
        with subprocess.Popen(  # noqa: S603 -- our own arguments
            self.ssh(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout is not None  # noqa: S101 -- it was asked for
            assert process.stderr is not None  # noqa: S101 -- as above
            descriptors = [process.stdout.fileno(), process.stderr.fileno()]
            try:
                for index, line in lines_of(process, descriptors, time_limit_seconds):
                    (errors.append if index else on_line)(line)
            finally:
                process.kill()
        return process.returncode, errors

    def check(self, command: Sequence[str], time_limit_seconds: float = 300.0) -> list[str]:
        """Run a command that must succeed and return its stdout by line. Raises LabError."""
        said: list[str] = []
        code, errors = self.run(command, time_limit_seconds, said.append)
        if code != 0:
            last = " / ".join((errors or said)[-6:])
            raise LabError(f"in the guest {shlex.join(command)} ended with {code}: {last}")
        return said

    def put(self, files: Sequence[tuple[Path, str]], directory: str) -> None:
        """Copy files and trees of this machine to names below a directory of the guest."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz", compresslevel=6) as tar:
            for source, name in files:
                tar.add(source, name, filter=_source_only)
        command = self.ssh(["sh", "-c", f"mkdir -p {directory} && tar -xzf - -C {directory}"])
        done = subprocess.run(command, input=archive.getvalue(), capture_output=True, check=False)  # noqa: S603 -- as above
        if done.returncode != 0:
            raise LabError(f"nothing could be copied to the guest: {done.stderr.decode(errors='replace')}")

    def fetch(self, directory: str, target: Path) -> None:
        """Copy what a directory of the guest holds into one of this machine."""
        command = self.ssh(["tar", "-czf", "-", "-C", directory, "."])
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)  # noqa: S603 -- as above
        if done.returncode != 0:
            raise LabError(f"{directory} could not be read: {done.stderr.decode(errors='replace')}")
        target.mkdir(parents=True, exist_ok=True)
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
            tar.extractall(target, filter="data")


def _source_only(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leave out what Python compiled for this machine's own version; everything is root's in the guest."""
    if "__pycache__" in entry.name:
        return None
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry
