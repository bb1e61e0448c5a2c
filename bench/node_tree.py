"""A cgroup tree on disk that lists real processes, from the files of a recorded pod.

Reading real processes through a made-up tree needs neither root nor a cgroup v2 memory controller; the
files of the cgroups are the recorded kernel's, so as many are opened and parsed as on that node.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

RECORDED_NODE = Path(__file__).parents[1] / "tests/fixtures/systemd-kernel-7.2"
_RECORDED = RECORDED_NODE / "sys/fs/cgroup"
_SLICE = "kubepods.slice/kubepods-burstable.slice"


def pod_uid(node: int, pod: int) -> str:
    """Return a UID that tells the node's number and the pod's on it."""
    return f"{node:08d}-0000-4000-8000-{pod:012d}"


def container_id(node: int, pod: int, *, pause: bool = False) -> str:
    """Return the id of the pod's app container, or of its pause container."""
    return f"{node:08d}{int(pause):04d}{pod:052d}"


def write(top: Path, pids: list[int], pods: int, node: int = 0) -> Path:
    """Write a tree of `pods` Burstable pods, each of a pause and an app container; return its root.

    The processes are dealt out to the app containers in turn.
    """
    pod_files, container_files = _templates()
    (top / _SLICE).mkdir(parents=True)
    for directory in ("", "kubepods.slice", _SLICE):
        shutil.copy(_RECORDED / "cgroup.controllers", top / directory)
        (top / directory / "cgroup.procs").touch()
    for pod in range(pods):
        uid = pod_uid(node, pod).replace("-", "_")
        directory = top / _SLICE / f"kubepods-burstable-pod{uid}.slice"
        _copy(pod_files, directory, [])
        pause, app = container_id(node, pod, pause=True), container_id(node, pod)
        _copy(container_files, directory / f"cri-containerd-{pause}.scope", [])
        _copy(container_files, directory / f"cri-containerd-{app}.scope", pids[pod::pods])
    return top


def _templates() -> tuple[Path, Path]:
    return next(
        (pod, container)
        for pod in sorted((_RECORDED / _SLICE).iterdir())
        if pod.is_dir()
        for container in _children(pod)
    )


def _children(pod: Path) -> Iterator[Path]:
    return (path for path in sorted(pod.iterdir()) if path.is_dir())


def _copy(template: Path, to: Path, pids: list[int]) -> None:
    to.mkdir()
    for file in template.iterdir():
        if file.is_file():
            shutil.copy(file, to)
    (to / "cgroup.procs").write_text("".join(f"{pid}\n" for pid in pids))
