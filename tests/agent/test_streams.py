"""Both programs where a standard stream is closed, or leads to a full disk."""

import sys
from pathlib import Path

import msgspec
import pytest

from memcollect_agent.wire import NodeSample
from worlds import children
from worlds.agent_trees import recorded

AGENT = [sys.executable, "-m", "memcollect_agent"]
COLLECTOR = [sys.executable, "-m", "memcollect"]
HELP = [[*AGENT, "--help"], [*COLLECTOR, "--help"], [*COLLECTOR, "--version"]]


def sampling() -> list[str]:
    roots = recorded("systemd-kernel-7.2")
    return [*AGENT, "sample", "--proc", roots.proc, "--cgroup", roots.cgroup, "--sys", roots.sys]


def redirected(how: str, command: list[str]) -> tuple[int, str, str]:
    done = children.run(["bash", "-c", f'"$@" {how}', "bash", *command])
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("command", [sampling(), *HELP], ids=" ".join)
def test_a_closed_standard_output_is_one_sentence(command: list[str]) -> None:
    code, _, words = redirected(">&-", command)
    assert code == 1
    assert words.lower().count("standard output could not be written: bad file descriptor") == 1
    assert words.count("\n") == 1


@pytest.mark.parametrize("command", [sampling(), [*COLLECTOR, "--help"]], ids=" ".join)
def test_a_full_disk_behind_standard_output_is_one_sentence(command: list[str]) -> None:
    code, _, words = redirected(">/dev/full", command)
    assert code == 1
    assert words.lower().count("standard output could not be written: no space left on device") == 1
    assert words.count("\n") == 1


@pytest.mark.parametrize("how", ["2>&-", "<&-", "<&- 2>&-"])
def test_the_result_is_whole_where_another_stream_is_closed(how: str) -> None:
    code, result, words = redirected(how, sampling())
    assert (code, words) == (0, "")
    assert msgspec.json.decode(result, type=NodeSample).pods


@pytest.mark.parametrize("command", [[*AGENT, "nonsense"], [*COLLECTOR, "nonsense"]], ids=" ".join)
def test_a_wrong_usage_keeps_its_code_where_nobody_can_read_why(command: list[str]) -> None:
    assert redirected(">&- 2>&-", command) == (2, "", "")


def test_what_is_opened_later_does_not_get_a_closed_streams_number(tmp_path: Path) -> None:
    program = (
        "from memcollect_agent.streams import fill_closed_streams; fill_closed_streams(); import sys; "
        f"kept = open({str(tmp_path / 'kept')!r}, 'w'); kept.write(str(kept.fileno())); kept.close()"
    )
    assert redirected("<&- >&- 2>&-", [sys.executable, "-c", program])[0] == 0
    assert int((tmp_path / "kept").read_text()) > 2


@pytest.mark.parametrize(
    ("program", "lacking", "extra"),
    [
        ("memcollect_agent", "msgspec", "agent"),
        ("memcollect_agent", "waitress", "agent"),
        ("memcollect", "click", "collector"),
    ],
)
def test_a_bare_package_names_the_extra_it_lacks(program: str, lacking: str, extra: str) -> None:
    script = (
        "import importlib.util, sys; found = importlib.util.find_spec; "
        f"importlib.util.find_spec = lambda name: None if name == {lacking!r} else found(name); "
        f"from {program}.__main__ import main; sys.exit(main(['--version']))"
    )
    done = children.run([sys.executable, "-c", script])
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{lacking} not installed" in done.stderr
    assert f"pip install 'memcollect[{extra}]'" in done.stderr
