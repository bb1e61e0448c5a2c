import pytest

from memcollect_agent.sandbox.places import sandbox_at

ID = "c7" * 32


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/kata_overhead/{ID}", (ID, "kata", True)),
        (f"/kata_overhead/kubepods/burstable/pod476ef1fb/{ID}", (ID, "kata", True)),
        (f"/kata_overhead/kubepods-pod476ef1fb.slice:cri-containerd:{ID}", (ID, "kata", True)),
        (f"/kata.slice/kata-overhead.slice/runtime-rs-{ID}.scope", (ID, "kata", True)),
        (f"/kubelet.slice/kata.slice/kata-overhead.slice/runtime-rs-{ID}.scope", (ID, "kata", True)),
        (f"/cube_sandbox_7/sandbox/{ID}", (ID, "cube", False)),
        ("/e2b/sbx-1", ("sbx-1", "e2b", False)),
        ("/firecracker/vm-1", ("vm-1", "firecracker", False)),
    ],
)
def test_a_runtimes_cgroup_is_told_by_its_path(path: str, expected: tuple[str, str, bool]) -> None:
    place = sandbox_at(path)
    assert place is not None
    assert (place.id, place.runtime, place.is_overhead) == expected


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/kata_overhead",
        "/kata_overhead/kubepods",
        "/kata.slice/kata-overhead.slice",
        f"/kata.slice/runtime-rs-{ID}.scope",
        f"/kata.slice/kata-overhead.slice.d/runtime-rs-{ID}.scope",
        "/sandbox/x",
        "/cube_sandbox/x",
        "/e2b/\x1b[2J",
        "/system.slice/e2b",
    ],
)
def test_no_other_cgroup_is(path: str) -> None:
    assert sandbox_at(path) is None
