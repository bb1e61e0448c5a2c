"""A cgroup tree on disk that lists real processes, from the files of a recorded pod.

Reading real processes through a made-up tree needs neither root nor a cgroup v2 memory controller; the
files of the cgroups are the recorded kernel's, so as many are opened and parsed as on that node.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

_RECORDED = Path(__file__).parents[1] / "tests/fixtures/systemd-kernel-7.2/sys/fs/cgroup"
_SLICE = "kubepods.slice/kubepods-burstable.slice"


def write(top: Path, pids: list[int], pods: int) -> Path:
    """Write a tree of `pods` Burstable pods, each of a pause and an app container; return its root."""
    pod_files, container_files = _templates()
    (top / _SLICE).mkdir(parents=True)
    for directory in ("", "kubepods.slice", _SLICE):
        shutil.copy(_RECORDED / "cgroup.controllers", top / directory)
        (top / directory / "cgroup.procs").touch()
    for number in range(pods):
        uid = f"00000000_0000_4000_8000_{number:012d}"
        pod = top / _SLICE / f"kubepods-burstable-pod{uid}.slice"
        _copy(pod_files, pod, [])
        _copy(container_files, pod / f"cri-containerd-{number:063x}0.scope", [])
        _copy(container_files, pod / f"cri-containerd-{number:063x}1.scope", pids[number::pods])
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
