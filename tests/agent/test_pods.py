import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect_agent import pods
from memcollect_agent.pods import ContainerPlace, PodPlace, UnitPlace

UID = "476ef1fb-90cb-446a-989f-e9a1ed217abf"
UNDERSCORED = UID.replace("-", "_")
HASH = "8fcc2fd7f2e1c6e8a7a1d6d9d2a9b8c1"
KIND = "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice"
ID = "c710ac322c2405e11226425b4c6530b97a2f32c8252365a717e87717d7394e89"


@pytest.mark.parametrize(
    ("path", "uid", "qos", "driver"),
    [
        (f"/kubepods.slice/kubepods-pod{UNDERSCORED}.slice", UID, "Guaranteed", "systemd"),
        (
            f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{UNDERSCORED}.slice",
            UID,
            "Burstable",
            "systemd",
        ),
        (
            f"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{UNDERSCORED}.slice",
            UID,
            "BestEffort",
            "systemd",
        ),
        (
            f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{HASH}.slice",
            HASH,
            "Burstable",
            "systemd",
        ),
        (
            f"{KIND}/kubelet-kubepods-burstable-pod{UNDERSCORED}.slice",
            UID,
            "Burstable",
            "systemd",
        ),
        (
            f"/a.slice/a-b.slice/a-b-kubepods.slice/a-b-kubepods-pod{UNDERSCORED}.slice",
            UID,
            "Guaranteed",
            "systemd",
        ),
        (f"/kubepods/pod{UID}", UID, "Guaranteed", "cgroupfs"),
        (f"/kubepods/burstable/pod{UID}", UID, "Burstable", "cgroupfs"),
        (f"/kubelet/kubepods/besteffort/pod{UID}", UID, "BestEffort", "cgroupfs"),
        (f"/docker/{ID}/kubelet/kubepods/burstable/pod{HASH}", HASH, "Burstable", "cgroupfs"),
    ],
)
def test_a_pod_is_known_by_its_shape_below_any_root(path: str, uid: str, qos: str, driver: str) -> None:
    assert pods.pod_at(path) == PodPlace(uid=uid, qos_class=qos, driver=driver)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/kubepods.slice",
        "/kubepods/burstable",
        f"/pod{UID}",
        f"/burstable/pod{UID}",
        f"/elsewhere/burstable/pod{UID}",
        f"/system.slice/kubepods-burstable-pod{UNDERSCORED}.slice",
        f"/kubepods.slice/kubepods-burstable-pod{UNDERSCORED}.slice",
        f"/kubepods.slice/kubepods-pod{UNDERSCORED}.scope",
        "/kubepods/pod",
        "/kubepods/podium\n",
        f"/kubepods/burstable/pod{UID}/{ID}",
    ],
)
def test_what_only_resembles_a_pod_is_none(path: str) -> None:
    assert pods.pod_at(path) is None


@pytest.mark.parametrize(
    ("name", "runtime", "role"),
    [
        (f"cri-containerd-{ID}.scope", "cri-containerd", "container"),
        (f"crio-{ID}.scope", "crio", "container"),
        (f"crio-conmon-{ID}.scope", "crio", "conmon"),
        (f"docker-{ID}.scope", "docker", "container"),
        (ID, None, "container"),
        (f"crio-{ID}", "crio", "container"),
        (f"crio-conmon-{ID}", "crio", "conmon"),
    ],
)
def test_a_container_is_known_by_its_id(name: str, runtime: str | None, role: str) -> None:
    assert pods.container_at(name) == ContainerPlace(id=ID, runtime=runtime, role=role)


@pytest.mark.parametrize(
    "name", ["container", "", f"{ID}0", f"cri-containerd-{ID[:-1]}.scope", f"{ID}\n", "init.scope"]
)
def test_any_other_name_is_unknown_rather_than_guessed(name: str) -> None:
    assert pods.container_at(name) == ContainerPlace(id=None, runtime=None, role="unknown")


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        (
            f"/system.slice/docker-{ID}.scope",
            UnitPlace(kind="container", name=ID, id=ID, runtime="docker", driver="systemd"),
        ),
        (f"/docker/{ID}", UnitPlace(kind="container", name=ID, id=ID, runtime="docker", driver="cgroupfs")),
        (
            f"/default/{ID}",
            UnitPlace(kind="container", name=ID, id=ID, runtime="containerd", driver="cgroupfs"),
        ),
        (
            f"/machine.slice/libpod-{ID}.scope",
            UnitPlace(kind="container", name=ID, id=ID, runtime="libpod", driver="systemd"),
        ),
        (
            f"/system.slice/nerdctl-{ID}.scope",
            UnitPlace(kind="container", name=ID, id=ID, runtime="nerdctl", driver="systemd"),
        ),
        (
            "/default/web",
            UnitPlace(kind="container", name="web", runtime="containerd", driver="cgroupfs"),
        ),
        (
            f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope",
            UnitPlace(kind="container", name=ID, id=ID, runtime="libpod", driver="systemd"),
        ),
        (
            r"/user.slice/user-1000.slice/user@1000.service/app.slice/my\x2dapp.service",
            UnitPlace(kind="service", name="user-1000/my-app.service", driver="systemd"),
        ),
        (
            "/user.slice/user-1000.slice/session-3.scope",
            UnitPlace(kind="service", name="user-1000/session-3.scope", driver="systemd"),
        ),
        ("/lxc.payload.web1", UnitPlace(kind="container", name="web1", runtime="lxc")),
        ("/lxc/web1", UnitPlace(kind="container", name="web1", runtime="lxc")),
        (
            r"/machine.slice/machine-my\x2dbox.scope",
            UnitPlace(kind="container", name="my-box", runtime="systemd-machined", driver="systemd"),
        ),
        (
            "/machine.slice/systemd-nspawn@box.service",
            UnitPlace(kind="container", name="box", runtime="systemd-machined", driver="systemd"),
        ),
        ("/system.slice/nginx.service", UnitPlace(kind="service", name="nginx.service", driver="systemd")),
        (
            "/system.slice/system-getty.slice/getty@tty1.service",
            UnitPlace(kind="service", name="getty@tty1.service", driver="systemd"),
        ),
    ],
)
def test_units_outside_kubernetes_are_known(path: str, unit: UnitPlace) -> None:
    assert pods.unit_at(path) == unit


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/system.slice",
        "/lxc",
        "/lxc.monitor.web1",
        "/lxc.payload.",
        f"/machine.slice/libpod-conmon-{ID}.scope",
        "/user.slice/user-0.slice/user@0.service",
        "/user.slice/user-0.slice/user@0.service/app.slice",
        "/user.slice/user-0.slice/user@0.service/app.slice/a.service/inner.service",
        "/default",
        "/default/web/inner",
        "/system.slice/docker.service/inner.service",
        "/system.slice/.service",
    ],
)
def test_other_cgroups_are_no_units(path: str) -> None:
    assert pods.unit_at(path) is None


@given(st.text(max_size=80))
def test_any_path_has_an_answer(path: str) -> None:
    pods.pod_at(path)
    pods.container_at(path)
    pods.unit_at(path)


@pytest.mark.parametrize(
    ("path", "holds_all_pods"),
    [
        ("/kubepods.slice", True),
        ("/kubepods", True),
        ("/kubelet.slice/kubelet-kubepods.slice", True),
        ("/kubelet/kubepods", True),
        ("/kubepods.slice/kubepods-burstable.slice", False),
        ("/kubepods/besteffort", False),
        ("/system.slice/kubelet.service", False),
    ],
)
def test_the_cgroup_of_all_pods_is_told_by_its_name(path: str, *, holds_all_pods: bool) -> None:
    assert pods.is_parent_of_pods(path) is holds_all_pods
