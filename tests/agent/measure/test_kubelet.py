"""When the kubelet evicts: of a real process whose program is called kubelet, and of its files' lines."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE

import pytest

from memcollect_agent.errors import ParseError
from memcollect_agent.measure.kubelet import FILE_LIMIT, MOST_FILES, eviction_lines, option, read_kubelet
from memcollect_agent.read.cgroupfs import CgroupFs
from memcollect_agent.read.procfs import ProcFs
from memcollect_agent.wire import Kubelet, KubeletFile
from worlds.children import Child

UNSEEN = "no process in kubelet.service could be seen to be a kubelet"
SERVICE = "/system.slice/kubelet.service"
CONFIG = """\
apiVersion: kubelet.config.k8s.io/v1beta1
staticPodURLHeader:
  Authorization: [Bearer hunter2]
evictionHard:
  # of the platform team
  memory.available: "500Mi"  # was 100Mi

  nodefs.available: 10%
evictionSoft: {memory.available: 1Gi}
kind: KubeletConfiguration
mergeDefaultEvictionSettings: true
"""
KEPT = """\
evictionHard:
  memory.available: "500Mi"
  nodefs.available: 10%
evictionSoft: {memory.available: 1Gi}
mergeDefaultEvictionSettings: true"""


@contextmanager
def told(tmp_path: Path, *arguments: str, name: str = "kubelet") -> Iterator[Kubelet]:
    """Give what is read of a service whose one process runs a program of that name with these arguments."""
    program = tmp_path / "bin" / name
    program.parent.mkdir(exist_ok=True)
    shutil.copy("/bin/sh", program)
    service = tmp_path / "cgroup" / SERVICE.lstrip("/")
    service.mkdir(parents=True, exist_ok=True)
    with Child((str(program), "-c", "echo ready; read x", *arguments), stdin=PIPE, stdout=PIPE) as child:
        assert child.line() == "ready"
        (service / "cgroup.procs").write_text(f"{child.pid}\n")
        with ProcFs() as proc:
            yield read_kubelet(proc, CgroupFs(str(tmp_path / "cgroup")), SERVICE)


def written(path: Path, text: str = CONFIG) -> str:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(text)
    return str(path)


def test_of_its_file_the_lines_of_evictions_are_kept_and_no_others(tmp_path: Path) -> None:
    config = written(tmp_path / "config.yaml")
    with told(tmp_path, f"--config={config}", "--v=2") as kubelet:
        assert kubelet == Kubelet(files=[KubeletFile(path=config, text=KEPT)])


def test_drop_ins_come_after_it_in_the_order_of_their_names(tmp_path: Path) -> None:
    config = written(tmp_path / "config.yaml", "kind: KubeletConfiguration\n")
    for name in ("20-b.conf", "10-a.conf", "30-c.yaml"):
        written(tmp_path / "conf.d" / name, f"evictionHard: {{memory.available: {name[:2]}Mi}}\n")
    with told(tmp_path, "--config", config, "--config-dir", str(tmp_path / "conf.d")) as kubelet:
        assert [(Path(each.path).name, each.text) for each in kubelet.files] == [
            ("config.yaml", ""),
            ("10-a.conf", "evictionHard: {memory.available: 10Mi}"),
            ("20-b.conf", "evictionHard: {memory.available: 20Mi}"),
        ]


def test_its_options_are_told_beside_its_files(tmp_path: Path) -> None:
    config = written(tmp_path / "config.yaml", "evictionSoft: {}\n")
    with told(tmp_path, "--eviction-hard=memory.available<1Gi", f"--config={config}") as kubelet:
        assert kubelet == Kubelet(
            options={"eviction-hard": "memory.available<1Gi"},
            files=[KubeletFile(path=config, text="evictionSoft: {}")],
        )


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--config=/nowhere/config.yaml"], "/nowhere/config.yaml: No such file or directory"),
        (["--config=config.yaml"], "config.yaml: is no absolute path, so it is not known where it is"),
        (["--config=/dev/null"], "/dev/null: is not a regular file, so it was not read"),
        (["--config-dir=/etc/passwd"], "/etc/passwd: Not a directory"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, arguments: list[str], why: str) -> None:
    with told(tmp_path, *arguments) as kubelet:
        assert kubelet == Kubelet(absent=why)


def test_files_without_bound_are_not_read(tmp_path: Path) -> None:
    config = written(tmp_path / "config.yaml", "#" * (FILE_LIMIT + 1))
    with told(tmp_path, f"--config={config}") as kubelet:
        assert kubelet.absent == f"{config}, line 0: is longer than {FILE_LIMIT} bytes"
    for number in range(MOST_FILES + 1):
        written(tmp_path / f"conf.d/{number}.conf")
    with told(tmp_path, f"--config-dir={tmp_path}/conf.d") as kubelet:
        assert kubelet.absent == f"{tmp_path}/conf.d: holds more than {MOST_FILES} files"


def test_a_service_of_that_name_that_runs_something_else_is_no_kubelet(tmp_path: Path) -> None:
    with told(tmp_path, "kubelet", "--eviction-hard=memory.available<1Ki", name="other") as kubelet:
        assert kubelet == Kubelet(absent=UNSEEN)


def test_a_service_that_is_gone_and_a_program_that_cannot_be_seen_say_why(tmp_path: Path) -> None:
    with ProcFs() as proc:
        gone = read_kubelet(proc, CgroupFs(str(tmp_path)), SERVICE)
        assert gone.absent.startswith(f"{UNSEEN}: {tmp_path}/system.slice: No such file")
        procs = tmp_path / SERVICE.lstrip("/") / "cgroup.procs"
        procs.parent.mkdir(parents=True)
        procs.write_text(f"{1 << 22}\n")
        unseen = read_kubelet(proc, CgroupFs(str(tmp_path)), SERVICE)
    assert unseen.absent.startswith(f"{UNSEEN}: /proc/{1 << 22}: No such file")


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (["kubelet"], None),
        (["kubelet", "--config=a", "--config", "b"], "b"),
        (["kubelet", "-config=a=b"], "a=b"),
        (["kubelet", "--config"], ""),
        (["kubelet", "--config-dir=a"], None),
    ],
)
def test_the_last_spelling_of_an_option_holds(arguments: list[str], value: str | None) -> None:
    assert option(arguments, "config") == value


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (
            '{"kind": "K", "evictionHard": {"memory.available": "5%"}}',
            '{"evictionHard":{"memory.available": "5%"}}',
        ),
        (' {"kind": "K"}', ""),
        ("'evictionHard': {}\n", "'evictionHard': {}"),
        ("evictionHardly:\n  memory.available: 1\n", ""),
        ("nested:\n  evictionHard:\n    memory.available: 1Mi\n", ""),
    ],
)
def test_json_and_yaml_are_cut_alike(data: str, kept: str) -> None:
    assert eviction_lines(data.encode(), "config") == kept


@pytest.mark.parametrize("data", [b"{", b'{"evictionHard": {"a": "%s"}}' % (b"x" * 5000)])
def test_what_is_no_json_or_too_much_is_an_error(data: bytes) -> None:
    with pytest.raises(ParseError):
        eviction_lines(data, "config")
