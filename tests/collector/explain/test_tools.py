"""Each tool's own number, and why it is another one."""

import pytest

from memcollect.explain.tools import find_tools
from worlds.builders import MIB, cgroup, pod

STAT = {"anon": 30 * MIB, "file": 60 * MIB, "inactive_file": 50 * MIB}


@pytest.mark.parametrize(
    ("kind", "path", "tool", "shown"),
    [
        ("container", "/docker/" + "c7" * 32, "docker stats", 50),
        ("container", f"/system.slice/docker-{'c7' * 32}.scope", "docker stats", 50),
        ("container", f"/machine.slice/libpod-{'c7' * 32}.scope", "podman stats", 30),
        ("service", "/system.slice/nginx.service", "systemctl status", 100),
    ],
)
def test_the_tool_that_people_look_at_is_told_with_its_number(
    kind: str, path: str, tool: str, shown: int
) -> None:
    own = cgroup(100 * MIB, STAT, path=path)
    (finding,) = find_tools(pod(kind=kind, cgroup=own))
    assert finding.estimate_bytes == shown * MIB
    assert finding.sentence.startswith(f"{tool} shows about {shown} MiB")


def test_docker_takes_nothing_off_where_the_cache_is_the_larger() -> None:
    own = cgroup(40 * MIB, STAT, path="/docker/x")
    assert find_tools(pod(kind="container", cgroup=own))[0].estimate_bytes == 40 * MIB


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("pod", {"path": "/docker/x"}),
        ("container", {"path": "/lxc.payload.web"}),
        ("container", {"path": "/docker/x", "current_bytes": None}),
        ("service", {"path": "/system.slice/a.service", "current_bytes": None}),
    ],
)
def test_without_a_tool_or_its_number_nothing_is_told(kind: str, more: dict[str, object]) -> None:
    own = cgroup(**{"stat": STAT, **more})  # type: ignore[arg-type]
    assert find_tools(pod(kind=kind, cgroup=own)) == []
