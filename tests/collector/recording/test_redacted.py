"""A redacted recording has no name of the machine, and its replay says the same but for names."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from memcollect.commands.run import run
from memcollect.errors import DocumentError, UsageError
from memcollect.recording.archive import encode, read_recording
from memcollect.recording.document import About, Recording
from memcollect.recording.redacted import redacted_recording
from memcollect.redaction.words import Words
from worlds import local_tree
from worlds.agent_trees import FIXTURES
from worlds.redactions import KEY, named

NODES = ("lab-runtime-aio-services", "lab-runtime-gvisor-systemd", "lab-runtime-kata-overhead-anon")


def told(path: str, capsys: pytest.CaptureFixture[str]) -> Any:
    capsys.readouterr()
    arguments = [
        "snapshot",
        "--local",
        "--root",
        path,
        "--include-processes",
        "--mappings",
        "--format",
        "json",
    ]
    assert run(arguments, "memcollect") in {0, 3}
    return json.loads(capsys.readouterr().out)


def hidden(tmp_path: Path, machine: list[str]) -> tuple[str, str, Words]:
    """Return the archives of a machine as it is and without its names, and what became of them."""
    first, second = str(tmp_path / "r.tar.gz"), str(tmp_path / "public.tar.gz")
    assert run(["record", "-o", first, *machine], "memcollect") == 0
    words = Words(KEY)
    Path(second).write_bytes(encode(redacted_recording(read_recording(first), words)))
    return first, second, words


@pytest.mark.parametrize("node", NODES)
def test_its_replay_says_the_same_but_for_names(
    node: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, words = hidden(tmp_path, ["--root", str(FIXTURES / node)])
    before, after = told(first, capsys), told(second, capsys)
    by_name = {pod["name"]: pod for pod in after["pods"]}
    assert len(by_name) == len(before["pods"])
    for pod in before["pods"]:
        other = by_name[words.name(pod["name"])]
        assert named(other["verdict"], words) == pod["verdict"]
        assert other["composition"] == pod["composition"]
        assert other["runtime"]["family"] == pod["runtime"]["family"]
        assert services_of(other) == services_of(pod)


def services_of(pod: Any) -> list[Any]:
    return sorted(
        [(each["name"], each["pss_bytes"]) for each in box["services"]] for box in pod["containers"]
    )


def test_no_name_of_the_machine_is_left_anywhere(tmp_path: Path) -> None:
    names = {word: f"zq{word}" for word in ("host", "pod", "space", "box", "comm", "program", "file", "arg")}
    machine = tmp_path / "machine"
    options = local_tree.make_machine(machine)
    process = machine / "proc" / str(local_tree.PID)
    (process / "comm").write_text(f"{names['comm']}\n")
    stat = (process / "stat").read_text()
    (process / "stat").write_text(
        f"{stat[: stat.index('(')]}({names['comm']}) {stat[stat.rindex(')') + 2 :]}"
    )
    (process / "cmdline").write_text(f"/opt/{names['program']}\0--{names['arg']}=/data/{names['file']}\0")
    (process / "exe").unlink(missing_ok=True)
    (process / "exe").symlink_to(f"/opt/{names['program']}/{names['file']}")
    (machine / "proc/sys/kernel").mkdir(parents=True, exist_ok=True)
    (machine / "proc/sys/kernel/hostname").write_text(f"{names['host']}\n")
    shutil.rmtree(machine / "log")
    (machine / "log/pods" / f"{names['space']}_{names['pod']}_{local_tree.POD_UID}").mkdir(parents=True)
    link = f"{names['pod']}_{names['space']}_{names['box']}-{local_tree.CONTAINER_ID}.log"
    (machine / "log/containers").mkdir()
    (machine / "log/containers" / link).symlink_to("/nowhere")
    first, second, _ = hidden(tmp_path, options[2:])
    kept, gone = (_everything(path) for path in (first, second))
    assert [name for name in names.values() if name.encode() not in kept] == []
    uid = local_tree.POD_UID
    identities = [*names.values(), uid, uid.replace("-", "_"), local_tree.CONTAINER_ID]
    assert [name for name in identities if name.encode() in gone] == []


def _everything(path: str) -> bytes:
    recording = read_recording(path)
    return b"\n".join([*(name.encode() for name in recording.files), *recording.files.values()])


def test_what_is_redacted_is_not_redacted_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, second, _ = hidden(tmp_path, ["--root", str(FIXTURES / NODES[0])])
    with pytest.raises(UsageError, match=r"The recording is redacted already\."):
        redacted_recording(read_recording(second), Words(KEY))
    assert run(["redact", second], "memcollect") == 2
    assert "The recording is redacted already." in capsys.readouterr().err


def test_a_file_that_no_rule_is_for_is_refused_and_not_let_through() -> None:
    recording = Recording(About(page_size_bytes=4096), {"proc/1/environ": b"TOKEN=zq"})
    with pytest.raises(DocumentError, match="'proc/1/environ' is no file that a recording has"):
        redacted_recording(recording, Words(KEY))


def test_the_machines_architecture_is_no_name_and_stays() -> None:
    files = {"proc/sys/kernel/arch": b"x86_64\n"}
    assert redacted_recording(Recording(About(page_size_bytes=4096), files), Words(KEY)).files == files


def with_kubelet(machine: Path) -> list[str]:
    """Make a recorded machine with a kubelet, whose configuration has more than of evictions in it."""
    shutil.copytree(FIXTURES / "lab-kernel-7.2", machine, symlinks=True)
    service, process = machine / "sys/fs/cgroup/system.slice/kubelet.service", machine / "proc/4242"
    service.mkdir(parents=True)
    (service / "cgroup.procs").write_text("4242\n")
    (service / "memory.current").write_text("4096\n")
    config = process / "root/var/lib/acme/kubelet.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("cluster: acme\nevictionHard: {memory.available: 5%}\n")
    (process / "exe").symlink_to("/usr/bin/kubelet")
    (process / "cmdline").write_text("kubelet\0--config=/var/lib/acme/kubelet.yaml\0")
    return ["--root", str(machine)]


def test_when_the_kubelet_evicts_is_the_same_in_a_recording_and_without_its_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = with_kubelet(tmp_path / "machine")
    first, second, _ = hidden(tmp_path, machine)
    held = read_recording(second).files
    assert [path for path, data in held.items() if b"acme" in data or "acme" in path] == []
    told_of = []
    for root in (machine[1], first, second):
        capsys.readouterr()
        assert run(["node", "--local", "--root", root, "--format", "json"], "memcollect") in {0, 3}
        (account,) = json.loads(capsys.readouterr().out)["accounts"]
        told_of.append((account["thresholds_unknown"], account["thresholds"]))
    assert told_of[0] == told_of[1]
    assert told_of[0][1]["source"] == "evictionHard in /var/lib/acme/kubelet.yaml on the node"
    assert told_of[0][1]["hard"] == told_of[2][1]["hard"] == "5%"
    assert told_of[2][1]["hard_bytes"] == told_of[0][1]["hard_bytes"] > 0
