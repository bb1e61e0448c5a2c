"""The demo's pods as data: DeerFlow-like sandboxes, one state of memory each.

The first four are the samples of the guide that started this project (empty, after-bash, after-python,
after-artifact); the others are the states that make `kubectl top`, `ps` and the truth differ.
In arguments `{disk}` stands for a directory on a real disk and `{shm}` for one in shared memory.
"""

from msgspec import Struct

from memcollect.lab.layout import ContainerSpec, PodSpec, QosClass

MIB = 1 << 20
NAMESPACE = "deer-flow"
LABELS = {"app": "deer-flow-sandbox"}
"""As DeerFlow's provisioner labels its sandboxes, and as memcollect looks for them by default."""


class Work(Struct, frozen=True, kw_only=True):
    """One process: a workload of memcollect.lab.workloads in one container."""

    words: str
    container: str = "sandbox"
    ends: bool = False
    """It ends when it is done, and its container's cgroup is removed, as an init container's."""


class DemoPod(Struct, frozen=True, kw_only=True):
    """A pod and what runs in it."""

    spec: PodSpec
    story: str
    """What happens in it, for the line of progress."""
    works: list[Work]


class DemoFile(Struct, frozen=True, kw_only=True):
    """A file on the disk that is there before any pod is, its cache charged to none of them."""

    name: str
    size_bytes: int


def _pod(name: str, story: str, *works: Work, qos_class: QosClass = "Burstable") -> DemoPod:
    names = dict.fromkeys(["sandbox", *(work.container for work in works)])
    limits: dict[str, int | str] = {} if qos_class == "BestEffort" else {"memory.max": 1024 * MIB}
    containers = [ContainerSpec(name=each, limits=limits) for each in names]
    spec = PodSpec(name=f"sandbox-{name}", qos_class=qos_class, containers=containers)
    return DemoPod(spec=spec, story=story, works=list(works))


FILES = [
    DemoFile(name="dataset-once", size_bytes=32 * MIB),
    DemoFile(name="dataset-thrice", size_bytes=24 * MIB),
    DemoFile(name="model", size_bytes=20 * MIB),
]

PODS = [
    _pod("empty", "a control server that waits", Work(words="serve"), qos_class="Guaranteed"),
    _pod("after-bash", "a few commands in a shell that stays open", Work(words="shell {disk}")),
    _pod("after-python", "numpy or the big standard modules, imported", Work(words="imports")),
    _pod(
        "after-artifact",
        "a report written to /mnt/user-data/outputs and looked at",
        Work(words="artifact {disk}/outputs/report.bin 24"),
    ),
    _pod("workers", "four workers forked from one heap", Work(words="workers 4 24"), qos_class="Guaranteed"),
    _pod(
        "read-once", "a data set read once", Work(words="read {disk}/dataset-once 1"), qos_class="BestEffort"
    ),
    _pod(
        "read-thrice",
        "a data set read three times",
        Work(words="read {disk}/dataset-thrice 3"),
        qos_class="BestEffort",
    ),
    _pod(
        "shm",
        "a browser's files in /dev/shm, and a sidecar",
        Work(words="tmpfs {shm}/browser 28"),
        Work(words="anon 8", container="log-shipper"),
    ),
    _pod("madv-free", "a heap given back with MADV_FREE", Work(words="lazyfree 32")),
    _pod(
        "init-tmpfs",
        "an init container, gone, that filled a tmpfs",
        Work(words="tmpfs {shm}/seed 18", container="seed", ends=True),
        Work(words="anon 4"),
    ),
    _pod(
        "pays-for-model",
        "reads the model file first",
        Work(words="read {disk}/model 1"),
        qos_class="BestEffort",
    ),
    _pod("uses-model", "maps the model file that its neighbour read", Work(words="map_file {disk}/model")),
    _pod("growing", "a task that takes 1 MiB more each second, all the time", Work(words="grow 1 96")),
]
