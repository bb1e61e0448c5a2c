"""The program as a process: exit codes, pipes, interruption, broken output."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from worlds import children, local_tree

PROGRAM = [sys.executable, "-m", "memcollect"]


def _run(
    arguments: list[str], *, env: dict[str, str] | None = None, text: str | None = None
) -> subprocess.CompletedProcess[str]:
    command = [*PROGRAM, *arguments]
    return children.run(command, env=env, input=text)


@pytest.fixture
def machine(tmp_path: Path) -> list[str]:
    return local_tree.make_machine(tmp_path / "machine")


def test_the_version_is_told() -> None:
    done = _run(["--version"])
    assert (done.returncode, done.stdout.split()[0]) == (0, "memcollect")


def test_every_command_of_the_list_has_its_help() -> None:
    done = _run(["--help"])
    assert done.returncode == 0
    assert "snapshot" in done.stdout
    assert "130 interrupted" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [([], 2), (["no-such-command"], 2), (["explain", "/nowhere"], 1)],
)
def test_every_ending_has_its_exit_code_and_no_traceback(arguments: list[str], code: int) -> None:
    done = _run(arguments)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_data_goes_to_standard_output_and_words_to_standard_error(machine: list[str]) -> None:
    done = _run([*machine, "--match", "nobody", "--format", "json"])
    assert done.returncode == 3
    assert done.stdout.startswith("{\n")
    assert done.stderr.startswith("memcollect: 1 asked for and not measured")


def test_a_reader_that_leaves_early_is_no_error(machine: list[str]) -> None:
    pipeline = 'set -o pipefail; "$@" | head -1'
    shell = ["bash", "-c", pipeline, "bash", *PROGRAM, *machine]
    done = children.run(shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "deer-flow/sandbox-1\n"


def test_a_closed_pipe_is_silent(machine: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed:
        process = children.run([*PROGRAM, *machine], stdout=closed, stderr=subprocess.PIPE)
    assert (process.returncode, process.stderr) == (0, "")


def test_a_full_disk_behind_standard_output_is_one_sentence(machine: list[str]) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = children.run([*PROGRAM, *machine], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr.startswith("memcollect: Standard output could not be written: No space left")
    assert done.stderr.count("\n") == 1


def test_an_interruption_is_one_line_and_exit_code_130() -> None:
    with children.Child([*PROGRAM, "explain", "-"], stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        _wait_until_it_reads(process.pid)
        process.send_signal(signal.SIGINT)
        # Its input stays open, as a terminal's does.
        assert process.wait() == 130
        _, error = process.communicate()
    assert error.strip() == "memcollect: interrupted."


def test_a_program_that_leaves_threads_behind_tidies_up_all_the_same() -> None:
    """A private key of the kubeconfig would else stay in /tmp, where the cluster's client puts it."""
    program = (
        "import atexit, sys, threading; from memcollect.__main__ import main;"
        " atexit.register(print, 'tidied');"
        " threading.Thread(target=threading.Event().wait, daemon=True).start();"
        " sys.argv[1:] = ['--version']; sys.exit(main())"
    )
    done = children.run([sys.executable, "-c", program])
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "tidied")


def test_a_terminal_that_knows_only_ascii_gets_ascii(machine: list[str]) -> None:
    done = _run(machine, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert "####" in done.stdout
    assert done.stdout.isascii()


def test_an_explanation_can_be_piped_from_a_snapshot(machine: list[str]) -> None:
    document = _run([*machine, "--format", "json"]).stdout
    done = _run(["explain", "-", "sandbox-1"], text=document)
    assert done.returncode == 0
    assert "deer-flow/sandbox-1" in done.stdout


def test_piped_output_has_no_colour_and_eighty_columns(machine: list[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    done = _run(machine, env=environment)
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_without_the_collectors_packages_one_sentence_names_the_extra(tmp_path: Path) -> None:
    blocker = (
        "import importlib.util, sys; real = importlib.util.find_spec\n"
        "gone = {'rich', 'click'}\n"
        "importlib.util.find_spec = lambda name, *more: None if name in gone else real(name, *more)\n"
        "from memcollect.__main__ import main; sys.exit(main(['snapshot']))"
    )
    done = children.run([sys.executable, "-c", blocker], cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "pip install 'memcollect[collector]'" in done.stderr


def _wait_until_it_reads(pid: int) -> None:
    """Wait until the process sleeps in a read of its standard input, as /proc/PID/syscall tells."""
    for _ in range(2000):
        try:
            call = Path(f"/proc/{pid}/syscall").read_text(encoding="ascii").split()
        except OSError:
            call = []
        if call[:2] == ["0", "0x0"]:
            return
        time.sleep(0.01)
    raise AssertionError("the program never came to read its standard input")
