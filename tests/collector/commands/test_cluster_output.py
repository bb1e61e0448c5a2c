"""Where a cluster's snapshot goes: a terminal, a pipe that closes, a disk that is full, and Ctrl-C."""

import contextlib
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from memcollect.commands import cluster
from memcollect.commands.run import run
from memcollect.documents.files import read_snapshot
from memcollect.documents.snapshot import Pod, Snapshot
from memcollect.explain.summary import Totals
from memcollect.testing import Fault
from worlds import children
from worlds.live_cluster import NODE_6, LiveCluster, command_of, environment, memcollect
from worlds.tcp_agents import hanging, listening
from worlds.waiting import PATIENCE, wait_until

BOTH = ["-n", "deer-flow", "-n", "team-b"]
CLEARED = "\r\x1b[K"


class Terminal:
    """A program whose standard error is a terminal."""

    def __init__(self, command: list[str], **more: object) -> None:
        self._reader, writer = pty.openpty()
        options = {"env": environment(TERM="xterm"), "stdout": subprocess.PIPE, **more}
        self.process = children.Child(command, stderr=writer, **options)
        os.close(writer)
        self.shown = ""

    def read_until(self, words: str) -> None:
        """Read what it shows until `words` have come."""
        while words not in self.shown:
            piece = self._piece()
            assert piece, f"it ended without {words!r}: {self.shown!r}"
            self.shown += piece

    def end(self) -> tuple[int, str, str]:
        """Return its exit code, its output and all that it showed."""
        # Meanwhile: who writes more than a terminal holds waits for whoever reads it.
        with ThreadPoolExecutor(1) as reader:
            shown = reader.submit(self._rest)
            out, _ = self.process.communicate()
            self.shown += shown.result(PATIENCE)
        return self.process.returncode, out, self.shown

    def _rest(self) -> str:
        pieces = []
        while piece := self._piece():
            pieces.append(piece)
        return "".join(pieces)

    def close(self) -> None:
        """Free the terminal; a program that still runs is killed."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        os.close(self._reader)

    def _piece(self) -> str:
        try:
            return os.read(self._reader, 4096).decode()
        except OSError:  # a terminal whose other end is closed
            return ""


@contextlib.contextmanager
def on_terminal(command: list[str]) -> Iterator[Terminal]:
    terminal = Terminal(command)
    try:
        yield terminal
    finally:
        terminal.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "f.json"


@pytest.fixture
def half_hanging(live: LiveCluster) -> Iterator[LiveCluster]:
    """A cluster one of whose two agents never answers."""
    with listening(hanging) as port:
        live.reach(NODE_6, port)
        yield live


def assert_half(snapshot: Snapshot) -> None:
    """Check that the node that answered is there, and the other's pods are missing."""
    assert sorted(pod.name for pod in snapshot.pods if pod.cgroup) == ["sandbox-a", "sandbox-b", "sandbox-c"]
    assert len(snapshot.pods) == 6
    assert {each.reason for each in snapshot.missing} == {"interrupted"}
    assert snapshot.summary.pods_measured == 3


def test_progress_is_shown_on_a_terminal_and_taken_away_again(live: LiveCluster) -> None:
    with on_terminal(command_of(["snapshot", *BOTH, *live.options(), "--details", "none"])) as terminal:
        code, out, shown = terminal.end()
    assert code == 0
    for words in ("listing pods", "asking the metrics API", "asking agents 0/2", "asking agents 2/2"):
        assert f"{CLEARED}memcollect: {words}" in shown
    assert shown.endswith(CLEARED)
    assert "\n" not in shown
    assert "\x1b" not in out


def test_ctrl_c_while_agents_are_asked_keeps_what_was_measured(half_hanging: LiveCluster, path: Path) -> None:
    options = ["snapshot", *BOTH, *half_hanging.options(), "--format", "json", "-o", str(path)]
    with on_terminal(command_of(options)) as terminal:
        terminal.read_until("asking agents 1/2")
        terminal.process.send_signal(signal.SIGINT)
        code, _, shown = terminal.end()
    assert code == 130
    assert "Traceback" not in shown
    assert "Ctrl-C again drops it" in shown
    assert f"written to {path}" in shown
    assert "the document holds what had been measured by then" in shown
    assert shown.rstrip().rpartition("\n")[2].startswith(("memcollect: interrupted", CLEARED))
    assert_half(read_snapshot(str(path)))


def test_ctrl_c_prints_the_table_of_what_was_measured(half_hanging: LiveCluster) -> None:
    options = ["snapshot", *BOTH, *half_hanging.options(), "--details", "none"]
    with on_terminal(command_of(options)) as terminal:
        terminal.read_until("asking agents 1/2")
        terminal.process.send_signal(signal.SIGINT)
        code, out, _ = terminal.end()
    assert code == 130
    assert "3 of 6 pods measured, 3 missing" in out
    assert "deer-flow/sandbox-a" in out


def test_ctrl_c_that_lands_outside_the_asking_loses_nothing_either(
    half_hanging: LiveCluster, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(Totals):
        """Adds up, while the user presses Ctrl-C."""

        pressed = False

        def add(self, pod: Pod) -> None:
            if not Interrupted.pressed:
                Interrupted.pressed = True
                signal.raise_signal(signal.SIGINT)
            super().add(pod)

    monkeypatch.setattr(cluster, "Totals", Interrupted)
    options = ["snapshot", *BOTH, *half_hanging.options(), "--format", "json", "-o", str(path)]
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(signal, "default_int_handler", before)
    assert run(options, "memcollect") == 130
    assert signal.getsignal(signal.SIGINT) is before
    assert_half(read_snapshot(str(path)))


def test_ctrl_c_when_everything_was_measured_changes_nothing(
    live: LiveCluster, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(Totals):
        """Adds up the last pod while the user presses Ctrl-C."""

        def add(self, pod: Pod) -> None:
            super().add(pod)
            if pod.name == "sandbox-c":
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(cluster, "Totals", Interrupted)
    monkeypatch.setattr(signal, "default_int_handler", signal.getsignal(signal.SIGINT))
    assert run(["snapshot", *live.options(), "--format", "json", "-o", str(path)], "memcollect") == 0
    assert read_snapshot(str(path)).missing == []


def test_ctrl_c_before_anything_was_measured_writes_nothing(live: LiveCluster, path: Path) -> None:
    pods = "/api/v1/namespaces/deer-flow/pods"
    live.state.fault(Fault(pods, times=None, hang=True))
    options = ["snapshot", *live.options(), "--format", "json", "-o", str(path)]
    with on_terminal(command_of(options)) as terminal:
        wait_until(lambda: any(each.path == pods for each in live.state.requests))
        terminal.process.send_signal(signal.SIGINT)
        code, _, shown = terminal.end()
    assert code == 130
    assert "Traceback" not in shown
    assert shown.endswith("memcollect: interrupted.\r\n")
    assert list(path.parent.glob("*f.json*")) == []


@pytest.mark.parametrize("format_", ["table", "json", "markdown"])
def test_piped_to_head(format_: str, live: LiveCluster) -> None:
    command = command_of(["snapshot", *BOTH, *live.options(), "--format", format_])
    with children.Child(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.line()
        assert process.stdout is not None
        process.stdout.close()
        assert process.communicate()[1] == ""
    assert process.returncode == 0


Limited = Callable[[LiveCluster, list[str]], "subprocess.CompletedProcess[str]"]


@pytest.fixture
def limited() -> Limited:
    """Runs a snapshot in a process that may write no file of more than 20 kB, as on a full disk."""
    prlimit = shutil.which("prlimit")
    if prlimit is None:
        pytest.skip("needs prlimit (util-linux)")

    def start(live: LiveCluster, arguments: list[str]) -> "subprocess.CompletedProcess[str]":
        return children.run(
            [prlimit, "--fsize=20000", *command_of(["snapshot", *live.options(), *arguments])],
            env=environment(PYTHONDONTWRITEBYTECODE="1"),
        )

    return start


@pytest.mark.parametrize("format_", ["table", "json"])
def test_a_full_disk_is_one_sentence_and_leaves_no_half_document(
    format_: str, live: LiveCluster, path: Path, limited: Limited
) -> None:
    arguments = ["--format", format_, "--details", "all", "-n", "deer-flow", "-n", "team-b"]
    done = limited(live, [*arguments, "-o", str(path), "--include-processes"])
    assert done.returncode == 1
    assert done.stderr == (
        f"memcollect: {path} was not written: File too large. Free some space or choose another place; what "
        "stood there before is unchanged.\n"
    )
    assert list(path.parent.glob("*f.json*")) == []


def test_a_full_temporary_directory_is_one_sentence(live: LiveCluster, limited: Limited) -> None:
    done = limited(live, ["--format", "json"])
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"memcollect: The result could not be kept .*: File too large\. .*\n", done.stderr)
    assert "TMPDIR" in done.stderr


@pytest.mark.parametrize("format_", ["table", "json"])
def test_standard_output_on_a_full_disk_is_one_sentence(format_: str, live: LiveCluster) -> None:
    with Path("/dev/full").open("w") as full:
        done = memcollect(
            "snapshot", *live.options(), "--format", format_, stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 1
    assert done.stderr.startswith("memcollect: Standard output could not be written: No space left")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("waits", [True, False])
def test_the_program_ends_at_once_where_a_thread_still_waits_for_an_agent(waits: bool) -> None:  # noqa: FBT001
    """Were the interpreter taken apart around it, a thread that wakes up just then could abort it.

    Before that the main thread counts as ended, and who waits for it goes on.
    """
    waiting = "threading.Thread(target=threading.Event().wait, daemon=True).start()"
    code = (
        "import sys, threading; from memcollect.__main__ import main\n"
        f"{waiting if waits else ''}\n"
        "def tell(): threading.main_thread().join(); print('taken apart')\n"
        "threading.Thread(target=tell).start()\n"
        "sys.argv = ['memcollect', '--version']; sys.exit(main())"
    )
    done = children.run([sys.executable, "-c", code])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("memcollect ")
    assert ("taken apart" in done.stdout) is not waits
