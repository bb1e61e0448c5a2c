"""Files and mappings whose sizes are known: what a pod's memory is made of, by construction.

Most pods' processes see the machine's own mounts. Those of "box", "twin" and "small" are containers that runc
started, with an image's layer, a layer of their own, a volume and a /dev/shm.
"""

import os
import shutil
from pathlib import Path

from msgspec import Struct

from lab.contents_stuck import stuck_mount
from lab.stage import DISK, MIB, RUN, Stage, bundle, drop_caches
from memcollect.lab import syscalls
from memcollect.lab.layout import PlacedPod
from memcollect.lab.processes import Tenant

PAGE = 4096
SMALL_FILES = 5_000
"""As many as User-Mode Linux looks at in some seconds: its system calls take ten times as long as others'."""
GROWN_MOST = 20 * MIB
SERVED, SERVICE = "served", "made-service"
IMAGE = DISK / "image"
MODEL = "/models/e5.bin"
SECRET = DISK / "secret"
STACK = 128 << 10
V8_PAGE = 256 << 10
WORDS = {
    "heap": f"heap {40 * MIB}",
    "arenas": f"arenas 8 {3 * MIB}",
    "stacks": f"stacks 200 {STACK}",
    "large": f"anon {64 * MIB}",
}


class FileTruth(Struct, frozen=True, kw_only=True):
    """One file of one pod: what of it is in memory, and whose that is."""

    pod: str
    path: str
    """As the pod's processes name it; a memfd by its name."""
    place: str
    low_bytes: int
    """In memory, at least …"""
    high_bytes: int
    """… and at most: the two differ while it grows."""
    charged: bool = True
    """Whether the pod itself pays for it; else "payer" does."""
    payer: str = ""
    is_machines: bool = False
    """Whether it is on the machine's own mounts: a pod's only where it is known who pays."""
    is_foreign: bool = False
    """Whether it is another user's than the one who looks."""
    size_bytes: int | None = None


class MappingTruth(Struct, frozen=True, kw_only=True):
    """One kind of mappings of one pod's process."""

    pod: str
    kind: str
    low_bytes: int
    high_bytes: int
    mappings: int | None = None
    """How many; None: not known by construction."""


class Service(Struct, frozen=True, kw_only=True):
    """A service made on purpose, and the container that it is in."""

    cgroup: Path
    process: Tenant


class Contents(Struct, frozen=True, kw_only=True):
    """All that was put into memory."""

    files: list[FileTruth]
    mappings: list[MappingTruth]


def play(stage: Stage) -> Contents:
    """Put everything where it is to be found."""
    mappings = _mappings(stage)
    once, thrice = stage.file("once", 24 * MIB), stage.file("thrice", 20 * MIB)
    files = _containers(stage)
    # No file is written from here on but by the pods: that would drop what is cached of the others.
    for path, size, times in ((once, 24 * MIB, 1), (thrice, 20 * MIB, 3)):
        pod = stage.pod(path.name)
        stage.tenant(pod, f"read {path} {times}")
        files.append(_exactly(pod, str(path), "disk", size, is_machines=True))
    pod = stage.pod("memfd")
    stage.tenant(pod, f"memfd runsc-memory {17 * MIB}")
    files.append(_exactly(pod, "/memfd:runsc-memory", "memfd", 17 * MIB))
    stage.tenant(stage.pod("keeper"), f"read {SECRET} 1")
    return Contents(files=files, mappings=mappings)


def _exactly(pod: PlacedPod, path: str, place: str, size: int, **more: object) -> FileTruth:
    values = {"pod": pod.spec.name, "path": path, "place": place, "low_bytes": size, "high_bytes": size}
    return FileTruth(**{**values, **more})  # type: ignore[arg-type]


def _containers(stage: Stage) -> list[FileTruth]:
    box, twin, small = stage.pod("box"), stage.pod("twin"), stage.pod("small")
    volumes = {pod.spec.name: _volume(pod) for pod in (box, twin, small)}
    _make_image(stage.program)
    stage.file("secret", 5 * MIB)
    (volumes["box"] / "shadow").symlink_to("/etc/shadow")
    (volumes["box"] / "secret").symlink_to(SECRET)
    os.chown(stage.file("foreign", 8 * MIB, volumes["box"]), 1000, 1000)
    stuck_mount(volumes["box"] / "stuck")
    drop_caches()
    _container(
        stage,
        box,
        volumes["box"],
        f"read {MODEL} 1 write /own {10 * MIB} holes /sparse {6 * MIB} {1 << 30} "
        f"write /dev/shm/blob {13 * MIB} write /data/artifact {18 * MIB} read /data/foreign 1 "
        f"deleted /data/gone {9 * MIB} growing /data/log {GROWN_MOST}",
    )
    _container(stage, twin, volumes["twin"], f"map {MODEL} write /own {2 * MIB}")
    _container(stage, small, volumes["small"], f"many /dev/shm {SMALL_FILES}")
    return [
        _exactly(box, MODEL, "image", 22 * MIB),
        _exactly(twin, MODEL, "image", 22 * MIB, charged=False, payer="box"),
        _exactly(box, "/own", "writable", 10 * MIB),
        _exactly(box, "/sparse", "writable", 6 * MIB, size_bytes=1 << 30),
        _exactly(box, "/dev/shm/blob", "tmpfs", 13 * MIB),
        _exactly(box, "/data/artifact", "volume", 18 * MIB),
        _exactly(box, "/data/foreign", "volume", 8 * MIB, is_foreign=True),
        _exactly(box, "/data/gone", "deleted", 9 * MIB),
        _exactly(box, "/data/log", "volume", PAGE, high_bytes=GROWN_MOST + PAGE),
    ]


def _volume(pod: PlacedPod) -> Path:
    path = DISK / "kubelet/pods" / pod.spec.uid / "volumes/kubernetes.io~empty-dir/cache"
    path.mkdir(parents=True)
    return path


def _make_image(program: str) -> None:
    (IMAGE / "models").mkdir(parents=True)
    (IMAGE / "proc").mkdir()
    shutil.copy(program, IMAGE / "workload")
    (IMAGE / MODEL.lstrip("/")).write_bytes(b"m" * 22 * MIB)


def _container(stage: Stage, pod: PlacedPod, volume: Path, words: str) -> Tenant:
    """Start a container whose root is an overlay of the image, as containerd lays it out."""
    name = pod.spec.name
    layers = DISK / "layers" / name
    upper, work, root = layers / "upper", layers / "work", RUN / "roots" / name
    for directory in (upper, work, root):
        directory.mkdir(parents=True)
    syscalls.mount("overlay", str(root), "overlay", f"lowerdir={IMAGE},upperdir={upper},workdir={work}")
    cgroup = pod.containers["app"]
    cgroup.rmdir()
    directory = bundle(
        RUN / "bundles" / name,
        root,
        ["/workload", *words.split()],
        "/" + str(cgroup.relative_to("/sys/fs/cgroup")),
        mounts=[
            {"destination": "/data", "type": "bind", "source": str(volume), "options": ["rbind", "rw"]},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
            {"destination": "/dev/shm", "type": "tmpfs", "source": "shm"},
        ],
    )
    runtime = shutil.which("runc") or shutil.which("crun")
    if runtime is None:
        raise FileNotFoundError("neither runc nor crun is installed; on Debian: apt-get install runc")
    command = [runtime, "--root", str(RUN / "runtime"), "run", "--bundle", str(directory), f"lab-{name}"]
    tenant = stage.command(None, command)
    tenant.wait_ready()
    return tenant


def _mappings(stage: Stage) -> list[MappingTruth]:
    for name, words in WORDS.items():
        stage.tenant(stage.pod(name), words)
    truths = [
        _exact("heap", "heap", 1, 40 * MIB),
        _exact("arenas", "arena", 8, 3 * MIB),
        # Above what is written lies a page with the thread's own block.
        _exact("stacks", "thread-stack", 200, STACK + PAGE),
        _exact("large", "large", 1, 64 * MIB),
    ]
    return truths + _languages(stage)


def _exact(pod: str, kind: str, mappings: int, each_bytes: int) -> MappingTruth:
    size = mappings * each_bytes
    return MappingTruth(pod=pod, kind=kind, low_bytes=size, high_bytes=size, mappings=mappings)


NODE = """
const kept = []; for (let i = 0; i < 400; i++) kept.push(new Array(8000).fill(i + 0.5));
process.stdout.write('');
const used = process.memoryUsage();
console.log('ready', used.heapUsed, used.heapTotal); setInterval(() => kept.length, 1 << 30);
"""


def _languages(stage: Stage) -> list[MappingTruth]:
    """JavaScript, where the machine has it.

    Java is not here: User-Mode Linux maps everything from 1 GiB upwards, where elsewhere only HotSpot's heap
    lies, so that its shape tells nothing.
    """
    node = shutil.which("node")
    if node is None:
        return []
    pod = stage.pod("node")
    tenant = stage.command(pod.containers["app"], [node, "--max-semi-space-size=1", "-e", NODE])
    used, whole = map(int, tenant.wait_ready().split())
    # What it takes to write that line comes on top: a page or two.
    return [MappingTruth(pod="node", kind="v8", low_bytes=used, high_bytes=whole + 2 * V8_PAGE)]


def made_service(stage: Stage) -> Service:
    """Start a server, and a service beside it that can be ended.

    The service's children share its memory, it has page tables, threads and full sockets, and it leaves a
    file in the page cache and names in the kernel's; the server shares a file's pages with it.
    """
    pod = stage.pod(SERVED)
    cgroup = pod.containers["app"]
    shared = stage.file("shared-library", 3 * MIB)
    left = DISK / "left"
    stage.tenant(pod, f"anon {12 * MIB} map {shared}")
    program = str(shutil.copy(stage.program, RUN / SERVICE))
    words = (
        f"anon {24 * MIB} stubs 2 map {shared} sparse 300 threads 40 "
        f"write {left} {4 * MIB} lookups {DISK} 4000"
    )
    process = stage.command(cgroup, [program, *words.split()])
    process.wait_ready()
    process.ask("sockets 20")
    return Service(cgroup=cgroup, process=process)
