"""Sandboxed pods as the host's kernel shows them: one per runtime and way to configure it, on paper.

Figures are made up; which counter holds what is as the runtimes' sources and documentation have it.
"""

from typing import Any

import msgspec

from memcollect.documents.snapshot import Container, Pod, Runtime, Top
from memcollect.explain import explain_pod
from memcollect_agent.wire import Cgroup, Hint, ProcessSums, Region
from worlds.builders import MIB, NODE, idle_cgroup

GIB = 1024 * MIB
GVISOR = Runtime(family="gvisor", runtime_class="gvisor", handler="runsc")
KATA = Runtime(family="kata", runtime_class="kata", handler="kata-qemu")
CUBE = Runtime(family="cube")
FIRECRACKER = Runtime(family="firecracker")
SANDBOX = "d8" * 32
IN_GUEST = "the host has no cgroup of this container: it runs inside the virtual machine"


def region(backing: str, resident: int, name: str = "", **more: Any) -> Region:
    """Return a writable region of `resident` bytes, as large as that where `more` does not say."""
    fields: dict[str, Any] = {
        "size_bytes": resident,
        "rss_bytes": resident,
        "pss_bytes": resident,
        "writable": True,
        "private": backing in {"anon", "rest"},
    }
    return Region(backing=backing, name=name, **{**fields, **more})


def process(kind: str, program: str, *regions: Region, pid: int = 100) -> Hint:
    """Return a process of a runtime, with what it maps."""
    return Hint(
        kind=kind,
        pid=pid,
        program=program,
        by="exe",
        rss_bytes=sum(each.rss_bytes for each in regions),
        pss_bytes=sum(each.pss_bytes for each in regions),
        regions=list(regions),
    )


def charged(path: str = "/kubepods/podx/s", **stat: int) -> Cgroup:
    """Return a cgroup that is charged these lines of memory.stat, each on its list; nothing else."""
    anon, file, shmem = stat.get("anon", 0), stat.get("file", 0), stat.get("shmem", 0)
    kernel = stat.setdefault("kernel", 4 * MIB)
    lists = {
        "inactive_anon": anon + shmem,
        "inactive_file": file - shmem - stat.get("active_file", 0),
        "pagetables": min(kernel, 2 * MIB),
        "slab_unreclaimable": max(0, kernel - 2 * MIB),
    }
    known = {key: value for key, value in stat.items() if key != "hugetlb"}
    more: dict[str, Any] = {"hugetlb": {"2MB": stat["hugetlb"]}} if "hugetlb" in stat else {}
    return msgspec.structs.replace(idle_cgroup(anon + file + kernel, **{**lists, **known}), path=path, **more)


def holding(cgroup: Cgroup, *hints: Hint, role: str = "sandbox", **more: Any) -> Container:
    """Return the container of a sandbox's runtime."""
    private = sum(r.pss_bytes for hint in hints for r in hint.regions if r.private)
    rss = sum(hint.rss_bytes or 0 for hint in hints)
    sums = ProcessSums(
        listed=len(hints), read=len(hints), rss_bytes=rss, pss_bytes=rss, pss_anon_bytes=private
    )
    return Container(name=role, id=SANDBOX, role=role, cgroup=cgroup, sums=sums, hints=list(hints), **more)


def guest_app(name: str = "app") -> Container:
    """Return a container that has no cgroup on the host."""
    return Container(name=name, id="c7" * 32, state="running", inside=IN_GUEST)


def sandboxed(runtime: Runtime, *containers: Container, own: Cgroup | None = None, **more: Any) -> Pod:
    """Return the explained pod; without `own` its own cgroup is charged what its containers are."""
    inside = [each.cgroup for each in containers if each.cgroup is not None]
    stat = {key: sum((each.stat or {}).get(key, 0) for each in inside) for key in idle_cgroup().stat or {}}
    total = idle_cgroup(sum(each.current_bytes or 0 for each in inside), **stat)
    fields: dict[str, Any] = {
        "uid": "476ef1fb-90cb-446a-989f-e9a1ed217abf",
        "name": "sandbox-1",
        "node": NODE.name,
        "phase": "Running",
        "runtime": runtime,
        "containers": list(containers),
        "cgroup": own or msgspec.structs.replace(total, path="/kubepods/podx", descendants={}),
        "own_sums": ProcessSums(),
    }
    return explain_pod(Pod(**{**fields, **more}), NODE)


def top(size: int, provider: str) -> Top:
    """Return kubectl top's number of a pod."""
    return Top(source="metrics.k8s.io", memory_bytes=size, provider=provider, status="different-provider")
