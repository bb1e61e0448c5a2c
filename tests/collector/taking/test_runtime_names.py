"""Names from the runtimes' own files, whatever is in those."""

import json
import os
from pathlib import Path

import pytest

from memcollect.taking.runtime_names import names_from_runtimes

ID, OTHER = "c7" * 32, "d8" * 32
SYSTEM = f"/system.slice/docker-{ID}.scope"
OF_USER = f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope"


def write(root: Path, path: str, content: object) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def users(root: Path) -> None:
    write(root, "etc/passwd", "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nbroken\n")


def docker(name: str) -> dict[str, object]:
    return {"ID": ID, "Name": name, "Config": {"Image": "nginx", "Labels": {"a": "b"}}, "State": {"Pid": 7}}


STORED = [
    {"id": OTHER, "names": ["other"], "image": "i"},
    {"id": ID, "names": ["web"], "metadata": "{}", "created": "2026-01-01T00:00:00Z"},
]


@pytest.mark.parametrize(
    ("path", "content", "cgroup"),
    [
        (f"var/lib/docker/containers/{ID}/config.v2.json", docker("/web"), SYSTEM),
        (f"home/ann/.local/share/docker/containers/{ID}/config.v2.json", docker("/web"), OF_USER),
        ("var/lib/containers/storage/overlay-containers/containers.json", STORED, SYSTEM),
        ("run/containers/storage/overlay-containers/volatile-containers.json", STORED, SYSTEM),
        ("home/ann/.local/share/containers/storage/overlay-containers/containers.json", STORED, OF_USER),
        ("run/user/1000/containers/overlay-containers/volatile-containers.json", STORED, OF_USER),
        ("var/lib/nerdctl/1935db59/names/default/web", ID, f"/default/{ID}"),
    ],
)
def test_a_container_has_the_name_that_its_runtime_wrote_down(
    tmp_path: Path, path: str, content: object, cgroup: str
) -> None:
    users(tmp_path)
    write(tmp_path, path, content)
    assert names_from_runtimes({ID: cgroup}, str(tmp_path)) == {ID: "web"}


def test_dockers_data_may_be_elsewhere(tmp_path: Path) -> None:
    write(tmp_path, "etc/docker/daemon.json", {"data-root": "/data/docker", "debug": True})
    write(tmp_path, f"data/docker/containers/{ID}/config.v2.json", docker("/web"))
    assert names_from_runtimes({ID: SYSTEM}, str(tmp_path)) == {ID: "web"}


def test_of_crios_names_the_containers_own_is_told(tmp_path: Path) -> None:
    stored = [{"id": ID, "names": ["k8s_app_web-0_shop_476ef1fb-90cb-446a-989f-e9a1ed217abf_0"]}]
    write(tmp_path, "var/lib/containers/storage/overlay-containers/containers.json", stored)
    assert names_from_runtimes({ID: SYSTEM}, str(tmp_path)) == {ID: "app"}


def test_a_users_store_names_nothing_outside_of_that_users_slice(tmp_path: Path) -> None:
    users(tmp_path)
    write(tmp_path, "home/ann/.local/share/containers/storage/overlay-containers/containers.json", STORED)
    assert names_from_runtimes({ID: SYSTEM}, str(tmp_path)) == {}
    assert names_from_runtimes({ID: OF_USER.replace("1000", "1001")}, str(tmp_path)) == {}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"Name": 3}',
        '{"Name": "/\\u001b[31m"}',
        '{"Name": "/' + "x" * 300 + '"}',
        "[" * 5000,
    ],
)
def test_what_is_no_name_is_none(tmp_path: Path, content: str) -> None:
    write(tmp_path, f"var/lib/docker/containers/{ID}/config.v2.json", content)
    write(tmp_path, "var/lib/containers/storage/overlay-containers/containers.json", content)
    assert names_from_runtimes({ID: SYSTEM}, str(tmp_path)) == {}


def test_no_link_of_a_users_is_followed_and_no_pipe_waited_for(tmp_path: Path) -> None:
    users(tmp_path)
    secret = write(tmp_path, "root/store/overlay-containers/containers.json", STORED)
    home = tmp_path / "home/ann/.local/share"
    (home / "containers/storage/overlay-containers").mkdir(parents=True)
    link = home / "containers/storage/overlay-containers/containers.json"
    link.symlink_to(secret)
    os.mkfifo(link.parent / "volatile-containers.json")
    assert names_from_runtimes({ID: OF_USER}, str(tmp_path)) == {}
    link.unlink()
    link.parent.rename(link.parent.parent / "moved")
    link.parent.symlink_to(secret.parent)
    assert names_from_runtimes({ID: OF_USER}, str(tmp_path)) == {}


def test_ids_are_no_paths(tmp_path: Path) -> None:
    assert names_from_runtimes({"../../etc": SYSTEM, "": SYSTEM}, str(tmp_path)) == {}
