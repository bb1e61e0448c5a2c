import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from memcollect_agent.__main__ import main
from memcollect_agent.wire import NodeSample
from worlds import children
from worlds.agent_trees import recorded

UID = "476ef1fb-90cb-446a-989f-e9a1ed217abf"


def options(condition: str = "systemd-kernel-7.2") -> list[str]:
    roots = recorded(condition)
    return ["--proc", roots.proc, "--cgroup", roots.cgroup, "--sys", roots.sys]


def test_sample_prints_one_document(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMCOLLECT_NODE_NAME", "node-7")
    assert main(["sample", *options(), "--pod", UID, "--processes", "1"]) == 0
    output = capsys.readouterr()
    sample = msgspec.json.decode(output.out, type=NodeSample)
    assert (sample.node.name, [pod.uid for pod in sample.pods]) == ("node-7", [UID])
    assert all(len(child.processes) == 1 for child in sample.pods[0].containers)
    assert output.out.count("\n") == 1
    assert output.err == ""


def test_an_error_is_one_sentence_and_exit_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "memory").mkdir()
    assert main(["sample", "--cgroup", str(tmp_path)]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("memcollect-agent: the memory controller of this machine is on cgroup v1")
    assert output.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["sample", "--processes", "-1"],
        ["sample", "--processes", "x"],
        ["sample", "--budget", "nan"],
    ],
)
def test_wrong_usage_is_exit_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: memcollect-agent" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_causes_no_traceback() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        done = children.run(
            [sys.executable, "-m", "memcollect_agent", "sample", *options()],
            stdout=write_end,
            stderr=subprocess.PIPE,
        )
    finally:
        os.close(write_end)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_agent_needs_nothing_of_the_collector() -> None:
    program = (
        "import sys; from memcollect_agent.__main__ import main; main(sys.argv[1:]); "
        "print({'click', 'rich', 'kubernetes', 'psutil', 'memcollect'} & set(sys.modules), file=sys.stderr)"
    )
    done = children.run([sys.executable, "-c", program, "sample", *options()], check=True)
    assert done.stderr == "set()\n"
