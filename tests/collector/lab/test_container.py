import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from memcollect.lab import sandbox
from memcollect.lab.container import Container, Volumes
from memcollect.lab.errors import LabError
from worlds import children
from worlds.waiting import wait_until

MIB = 1 << 20


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    found = tmp_path / "disk", tmp_path / "memory"
    for each in found:
        each.mkdir()
    return found


def document(medium: str = "", path: str = "/mnt/user-data") -> dict[str, Any]:
    mount = {"name": "data", "mountPath": path}
    return {
        "metadata": {"uid": "u1"},
        "spec": {
            "containers": [
                {"name": "app", "volumeMounts": [mount]},
                {"name": "side", "volumeMounts": [mount]},
            ],
            "volumes": [{"name": "data", "emptyDir": {"medium": medium} if medium else {}}],
        },
    }


def mounts(table: Path) -> dict[str, str]:
    """Return what is seen where; what is read-only has "(ro)" behind it."""
    rows = [line.split() for line in table.read_text().splitlines()]
    ways = {"rbind": "", "bind,ro": " (ro)", "mode=1777": ""}
    return {row[1]: row[0] + ways[row[3]] for row in rows}


def prepared(places: tuple[Path, Path], pod: dict[str, Any], container: int = 0) -> dict[str, str]:
    return mounts(Volumes(*places).prepare(pod, pod["spec"]["containers"][container]))


@pytest.mark.parametrize(("medium", "place"), [("", 0), ("Memory", 1)])
def test_a_volume_is_on_the_disk_or_in_memory_as_its_medium_says(
    places: tuple[Path, Path], medium: str, place: int
) -> None:
    seen = prepared(places, document(medium))
    (point,) = [target for target in seen if target.endswith("/user-data")]
    assert seen[point] == str(places[place] / "pod-u1" / "data")
    assert Path(seen["/mnt"]) == Path(point).parent


def test_what_replaces_mnt_is_mounted_last_since_volumes_may_be_below_it(places: tuple[Path, Path]) -> None:
    seen = prepared(places, document())
    assert [target for target in seen if target != "/tmp"][-1] == "/mnt"


def test_no_container_sees_this_machine_s_temporary_files(places: tuple[Path, Path]) -> None:
    assert prepared(places, document())["/tmp"] == "tmpfs"


def test_a_directory_of_the_node_is_seen_and_written_only_where_its_mount_lets(
    places: tuple[Path, Path], tmp_path: Path
) -> None:
    volumes, pod = Volumes(*places), document(path="/mnt/skills")
    pod["spec"]["volumes"] = [{"name": "data", "hostPath": {"path": str(tmp_path / "there")}}]
    first, second = pod["spec"]["containers"]
    first["volumeMounts"] = [{**first["volumeMounts"][0], "readOnly": True}]
    assert f"{tmp_path / 'there'} (ro)" in mounts(volumes.prepare(pod, first)).values()
    assert str(tmp_path / "there") in mounts(volumes.prepare(pod, second)).values()


def test_containers_of_a_pod_share_its_volume_and_have_a_view_each(places: tuple[Path, Path]) -> None:
    volumes, pod = Volumes(*places), document()
    first, second = (mounts(volumes.prepare(pod, each)) for each in pod["spec"]["containers"])
    assert first["/mnt"] != second["/mnt"]
    data = str(places[0] / "pod-u1" / "data")
    assert [data in each.values() for each in (first, second)] == [True, True]


def test_a_volume_outside_of_mnt_is_refused(places: tuple[Path, Path]) -> None:
    with pytest.raises(LabError, match="below /mnt only, not at /data"):
        prepared(places, document(path="/data"))


def test_removing_leaves_the_image_for_other_pods(places: tuple[Path, Path]) -> None:
    volumes, pod = Volumes(*places), document("Memory")
    volumes.prepare(pod, pod["spec"]["containers"][0])
    volumes.remove(pod)
    assert sorted(each.name for each in places[0].iterdir()) == ["image", "programs"]
    assert list(places[1].iterdir()) == []


def test_nothing_enters_a_container_that_was_not_started(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="was not started"):
        Container(tmp_path, tmp_path).entering(["true"])


def test_the_sandboxs_program_holds_what_it_was_told_and_its_workers_end_with_it() -> None:
    command = [sys.executable, "-I", "-S", sandbox.__file__, "3", "2", "2"]
    with children.Child(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.line() == "ready"
        workers = Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()
        anon = {pid: _anon(int(pid)) for pid in (str(program.pid), *workers)}
        program.communicate()
    assert len(workers) == 2
    assert anon[str(program.pid)] >= 3 * MIB
    assert program.returncode == 0
    wait_until(lambda: not any(_runs(int(worker)) for worker in workers))


def _anon(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("RssAnon:"))


def _runs(pid: int) -> bool:
    """Return whether the process runs; one that has ended waits for whoever took it over."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
