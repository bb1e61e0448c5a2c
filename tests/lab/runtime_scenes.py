"""Sandboxes of the shape that each runtime gives them: real processes and real charges, made-up programs.

Run in the guest. Each scene leaves its processes running and says what it made: sizes in bytes by name.
The names of programs, of memfds and of cgroups are those that the runtimes use; nothing else of them is here.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from lab.runtime_truth import Scene
from lab.stage import DISK, MIB, RUN, SHM, Stage
from memcollect.lab import cgroups
from memcollect.lab.layout import PlacedPod
from memcollect.lab.processes import Tenant

ROOT = Path("/sys/fs/cgroup")
Play = Callable[["Actors"], Scene]


class Actors:
    """Starts programs under the names of a runtime's, and remembers the cgroups that no pod has."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.outside: list[Path] = []

    def start(self, cgroup: Path, program: str, words: str, argv0: str = "") -> Tenant:
        """Start the truthful program as a file called `program`, under the name `argv0`."""
        path = RUN / "bin" / program
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            shutil.copy(self.stage.program, path)
        tenant = self.stage.command(cgroup, [argv0 or str(path), *words.split()], str(path))
        tenant.wait_ready()
        return tenant

    def cgroup(self, path: str) -> Path:
        """Make a cgroup outside of any pod."""
        directory = ROOT / path
        cgroups.make(directory, ROOT)
        self.outside.append(ROOT / Path(path).parts[0])
        return directory

    def sandbox_pod(self, name: str, *containers: str, without: tuple[str, ...] = ()) -> PlacedPod:
        """Place a pod without a pause process, and without the cgroups of some containers."""
        pod = self.stage.pod(name, *containers, pause=False)
        for each in without:
            cgroups.remove(pod.containers[each])
        return pod

    def clear(self) -> None:
        """Remove what the stage does not know of."""
        for path in self.outside:
            cgroups.remove(path)


def sandbox_id(pod: PlacedPod) -> str:
    return pod.spec.container_id("pause")


def scene(pod: PlacedPod | None = None, **sizes: int) -> Scene:
    if pod is None:
        return Scene(sizes=sizes)
    containers = {each.name: pod.spec.container_id(each.name) for each in pod.spec.containers}
    return Scene(pod=pod.spec.name, uid=pod.spec.uid, containers=containers, sizes=sizes)


def gvisor_systemd(actors: Actors) -> Scene:
    """The Sentry, its stubs and the gofer in the pause container's scope; the apps' scopes are empty."""
    pod = actors.sandbox_pod("gvisor", "app", "sidecar")
    pause = pod.containers["pause"]
    words = f"--then boot anon {7 * MIB} memfd runsc-memory {48 * MIB} stubs 3"
    actors.start(pause, "runsc", words, "runsc-sandbox")
    actors.start(pause, "runsc-gofer", f"anon {2 * MIB}", "runsc-gofer")
    return scene(pod, guest=48 * MIB, own=9 * MIB, again=3 * 48 * MIB)


def gvisor_cgroupfs(actors: Actors) -> Scene:
    """The Sentry in the pod's own cgroup, whose children then cannot have the memory controller."""
    pod = actors.stage.pod("gvisor-cgroupfs", "app", driver="cgroupfs", pause=False)
    for leaf in pod.containers.values():
        cgroups.remove(leaf)
    (pod.cgroup / "cgroup.subtree_control").write_text("-memory")
    for leaf in pod.containers.values():
        leaf.mkdir()
    actors.start(
        pod.cgroup, "runsc", f"--then boot memfd runsc-memory {37 * MIB} anon {6 * MIB}", "runsc-sandbox"
    )
    return scene(pod, guest=37 * MIB, own=6 * MIB)


def kata_memfd(actors: Actors) -> Scene:
    """sandbox_cgroup_only=true: shim, VMM and virtiofsd in kata_ID below the pod; guest RAM is a memfd."""
    pod = actors.sandbox_pod("kata", "app", without=("app", "pause"))
    id_ = sandbox_id(pod)
    place = pod.cgroup / f"kata_{id_}"
    place.mkdir()
    actors.start(place, "containerd-shim-kata-v2", f"-id {id_} anon {4 * MIB}")
    words = f"-name sandbox-{id_} memfd kata-ram {56 * MIB} anon {5 * MIB}"
    vmm = actors.start(place, "qemu-system-x86_64", words)
    actors.start(place, "virtiofsd", f"map /proc/{vmm.pid}/fd/3 anon {3 * MIB}")
    return scene(pod, guest=56 * MIB, own=12 * MIB, again=56 * MIB, top=21 * MIB)


def kata_shm(actors: Actors) -> Scene:
    """The same in the pause container's scope, with the RAM as a file in /dev/shm."""
    pod = actors.sandbox_pod("kata-shm", "app", without=("app",))
    id_, place = sandbox_id(pod), pod.containers["pause"]
    actors.start(place, "containerd-shim-kata-v2", f"-id {id_} anon {4 * MIB}")
    actors.start(place, "cloud-hypervisor", f"ram {SHM}/ch_ram {44 * MIB} anon {5 * MIB}")
    return scene(pod, guest=44 * MIB, own=9 * MIB, top=17 * MIB)


def kata_overhead_anon(actors: Actors) -> Scene:
    """sandbox_cgroup_only=false: everything in /kata_overhead/ID; guest RAM is private anonymous memory."""
    pod = actors.sandbox_pod("kata-overhead", "app", without=("app",))
    id_ = sandbox_id(pod)
    place = actors.cgroup(f"kata_overhead/{id_}")
    actors.start(place, "containerd-shim-kata-v2", f"-id {id_} anon {4 * MIB}")
    actors.start(place, "qemu-system-x86_64", f"-name sandbox-{id_} anon {41 * MIB} guard anon {6 * MIB}")
    return scene(pod, guest=41 * MIB, own=10 * MIB, outside=51 * MIB, top=23 * MIB)


def e2b_snapshot(actors: Actors) -> Scene:
    """Three Firecrackers restored from one snapshot, each having written the same part of it; no Pods."""
    snapshot = actors.stage.file("mem.snap", 45 * MIB, DISK)
    for name in ("one", "two", "three"):
        words = f"--id {name} private {snapshot} {6 * MIB} anon {3 * MIB}"
        actors.start(actors.cgroup(f"e2b/sbx-{name}"), "firecracker", words)
    return scene(written=6 * MIB, clean=39 * MIB, share=13 * MIB, own=3 * MIB, sharers=3)


def cube_snapshot(actors: Actors) -> Scene:
    """CubeSandbox: the VMM is in the shim, which maps the snapshot; no Pods."""
    snapshot = actors.stage.file("cube.snap", 35 * MIB, DISK)
    place = actors.cgroup(f"cube_sandbox_0/sandbox/{'c' * 32}")
    actors.start(place, "containerd-shim-cube-rs", f"private {snapshot} {5 * MIB} anon {2 * MIB}")
    return scene(written=5 * MIB, clean=30 * MIB, share=30 * MIB, own=2 * MIB, sharers=1)


def jailed_firecracker(actors: Actors) -> Scene:
    """Firecracker under a parent cgroup of its operator's choice; only the process tells what it is."""
    place = actors.cgroup("my-vms/vm-7")
    actors.start(place, "firecracker", f"--id vm-7 anon {39 * MIB} guard anon {2 * MIB}")
    return scene(guest=39 * MIB, own=2 * MIB)


def aio_services(actors: Actors) -> Scene:
    """An all-in-one sandbox on runc: ordinary processes of one container, by the names they have there."""
    pod = actors.stage.pod("aio", "sandbox")
    place = pod.containers["sandbox"]
    sizes = {"supervisor": 2, "nginx": 3, "jupyter": 14, "code-server": 11, "chromium": 23, "other": 5}
    for name, program, words in (
        ("supervisor", "supervisord", ""),
        ("nginx", "nginx", ""),
        ("jupyter", "jupyter-lab", ""),
        ("code-server", "code-server", ""),
        ("chromium", "chromium", "-type renderer "),
        ("other", "my-own-server", ""),
    ):
        actors.start(place, program, f"{words}anon {sizes[name] * MIB}")
    return scene(pod, **{name: size * MIB for name, size in sizes.items()})


SCENES: dict[str, Play] = {
    each.__name__: each
    for each in (
        gvisor_systemd,
        gvisor_cgroupfs,
        kata_memfd,
        kata_shm,
        kata_overhead_anon,
        e2b_snapshot,
        cube_snapshot,
        jailed_firecracker,
        aio_services,
    )
}


def kernel() -> str:
    """Return the release of the kernel that this runs on."""
    return os.uname().release
