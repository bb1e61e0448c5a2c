"""The workloads whose truth is known: each makes a state of memory and says what must be said of it.

Run in the guest, in the order of WORKLOADS. Sizes differ, so that no amount is found by accident.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from lab.kills import KILLS
from lab.mixtures import mixture
from lab.stage import DISK, MIB, RUN, SHM, Stage, bundle, drop_caches, truth, unmount
from lab.truth import Truth
from memcollect.lab import cgroups, syscalls
from memcollect.lab.layout import PlacedPod

Workload = Callable[[Stage], list[Truth]]

PAGE = 4096
OPEN_FILES = 8000
DENTRY_BYTES = 192
"""sizeof(struct dentry) on x86_64, 21 in a page; names below 32 bytes are inside (include/linux/dcache.h)."""
STACK_BYTES = 16384
"""THREAD_SIZE of User-Mode Linux on x86_64 (arch/um/Kconfig, KERNEL_STACK_ORDER 2)."""


def private_anon(stage: Stage) -> list[Truth]:
    pod = stage.pod("anon", qos_class="Guaranteed")
    stage.tenant(pod, f"anon {32 * MIB}")
    return [truth(pod, "anon", 32 * MIB)]


def forked_copy_on_write(stage: Stage) -> list[Truth]:
    pod = stage.pod("forked")
    stage.tenant(pod, f"anon {20 * MIB} fork 4")
    return [truth(pod, "anon", 20 * MIB), truth(pod, "double_counted", 4 * 20 * MIB)]


def one_address_space(stage: Stage) -> list[Truth]:
    """Each of the three more processes shows all of it, PSS included: one is the truth.

    Its VmRSS is the second route to what ps adds thrice.
    """
    pod = stage.pod("one-space")
    resident = int(stage.tenant(pod, f"anon {22 * MIB} vfork 3").ask("resident"))
    return [
        truth(pod, "anon", 22 * MIB),
        truth(pod, "sharing_processes", 3 * resident),
        truth(pod, "double_counted", 3 * resident),
        truth(pod, "borrowed_anon", 0),
    ]


def file_read_once(stage: Stage) -> list[Truth]:
    pod, path = stage.pod("once"), stage.file("once", 40 * MIB)
    stage.tenant(pod, f"read {path} 1")
    return [truth(pod, "cold_cache", 40 * MIB)]


def file_read_thrice(stage: Stage) -> list[Truth]:
    pod, path = stage.pod("thrice", driver="cgroupfs"), stage.file("thrice", 44 * MIB)
    stage.tenant(pod, f"read {path} 3")
    return [truth(pod, "hot_cache", 44 * MIB)]


def tmpfs_file(stage: Stage) -> list[Truth]:
    pod = stage.pod("tmpfs", qos_class="BestEffort")
    stage.tenant(pod, f"write {SHM}/blob {19 * MIB}")
    return [truth(pod, "shmem", 19 * MIB), truth(pod, "unmapped_shmem", 19 * MIB)]


def shared_anonymous(stage: Stage) -> list[Truth]:
    pod = stage.pod("shared", qos_class="BestEffort", driver="cgroupfs")
    stage.tenant(pod, f"shared {17 * MIB}")
    return [truth(pod, "shmem", 17 * MIB), truth(pod, "unmapped_shmem", 0)]


def sentry_memfd(stage: Stage) -> list[Truth]:
    pod = stage.pod("memfd", qos_class="Guaranteed", driver="cgroupfs")
    stage.tenant(pod, f"memfd runsc-memory {26 * MIB}")
    return [truth(pod, "shmem", 26 * MIB)]


def madv_free(stage: Stage) -> list[Truth]:
    pod = stage.pod("lazyfree")
    stage.tenant(pod, f"anon {8 * MIB} lazyfree {28 * MIB}")
    return [truth(pod, "lazyfree", 28 * MIB), truth(pod, "anon", 8 * MIB)]


def failed_lookups(stage: Stage) -> list[Truth]:
    pod = stage.pod("dentries")
    stage.tenant(pod, f"lookups {DISK} 60000")
    return [truth(pod, "slab_reclaimable", 60000 // (PAGE // DENTRY_BYTES) * PAGE)]


def sparse_touches(stage: Stage) -> list[Truth]:
    pod = stage.pod("sparse")
    stage.tenant(pod, "sparse 1500")
    return [truth(pod, "page_tables", 1500 * PAGE), truth(pod, "anon", 1500 * PAGE)]


def many_threads(stage: Stage) -> list[Truth]:
    pod = stage.pod("threads")
    stage.tenant(pod, "threads 300")
    return [truth(pod, "kernel_stack", 301 * STACK_BYTES)]


def many_open_files(stage: Stage) -> list[Truth]:
    """Their names and inodes are among the kernel's caches, and stay: those on disk are told, and why.

    On tmpfs the inodes are among the objects; the workload holds its three standard streams, too. The files
    on disk were made before: the journal keeps the blocks of new ones for a while, which no counter tells.
    """
    disk, tmpfs = stage.pod("open-on-disk"), stage.pod("open-on-tmpfs")
    for number in range(OPEN_FILES):
        (DISK / f"opened-{number}").touch()
    drop_caches()
    for pod, directory in ((disk, DISK), (tmpfs, SHM)):
        stage.tenant(pod, f"opened {directory} {OPEN_FILES}")
    count = f"{OPEN_FILES + 3:,} files, sockets and pipes"
    return [
        *(
            truth(pod, "open_files", says=f"that {count} keep, until they are closed")
            for pod in (disk, tmpfs)
        ),
        *(truth(pod, "slab_unreclaimable", says=f"its processes have {count} open") for pod in (disk, tmpfs)),
    ]


def full_sockets(stage: Stage) -> list[Truth]:
    """Unix sockets are not under `sock`, which counts network protocols: no counter names their buffers."""
    pod = stage.pod("sockets")
    sent = int(stage.tenant(pod).ask("sockets 100"))
    return [truth(pod, "other_kernel", sent)]


def neighbours_file(stage: Stage) -> list[Truth]:
    path = stage.file("shared-file", 23 * MIB)
    payer, user = stage.pod("payer"), stage.pod("user", driver="cgroupfs")
    stage.tenant(payer, f"read {path} 1")
    stage.tenant(user, f"map {path}")
    return [truth(payer, "lent_file", 23 * MIB), truth(user, "borrowed_file", 23 * MIB)]


def moved_process(stage: Stage) -> list[Truth]:
    left, joined = stage.pod("left"), stage.pod("joined")
    tenant = stage.tenant(left, f"anon {21 * MIB}")
    cgroups.move(joined.containers["app"], tenant.pid)
    tenant.ask(f"anon {6 * MIB}")
    return [
        truth(left, "lent_anon", 21 * MIB),
        truth(joined, "borrowed_anon", 21 * MIB),
        truth(joined, "anon", 6 * MIB),
    ]


def removed_container(stage: Stage) -> list[Truth]:
    pod = stage.pod("init-tmpfs", "init", "app")
    stage.tenant(pod, f"write {SHM}/left-behind {26 * MIB}", container="init").end()
    cgroups.remove(pod.containers["init"])
    stage.tenant(pod, f"anon {5 * MIB}")
    return [truth(pod, "dead_containers", 26 * MIB, scope="pod"), truth(pod, "anon", 5 * MIB)]


def removed_container_that_looked_up_names(stage: Stage) -> list[Truth]:
    """What it looked up stays in the kernel's cache of names, charged to the pod from then on."""
    pod = stage.pod("init-names", "init", "app")
    stage.tenant(pod, f"lookups {DISK} 60000", container="init").end()
    cgroups.remove(pod.containers["init"])
    stage.tenant(pod, f"anon {5 * MIB}")
    names = 60000 // (PAGE // DENTRY_BYTES) * PAGE
    return [truth(pod, "dead_slab", names, scope="pod"), truth(pod, "anon", 5 * MIB)]


def limits_set_inside(stage: Stage) -> list[Truth]:
    """A systemd inside of a sandbox has units with limits of their own: the container's own are far."""
    slowed, full = stage.pod("slowed-inside"), stage.pod("full-inside")
    _unit(stage, slowed, {"memory.high": 20 * MIB}, f"anon {60 * MIB}")
    _unit(stage, full, {"memory.max": 24 * MIB}, f"read {stage.file('full-inside', 40 * MIB)} 1")
    return [truth(slowed, "throttled_inside"), truth(full, "hit_inside")]


def _unit(stage: Stage, pod: PlacedPod, limits: dict[str, int | str], words: str) -> None:
    unit = pod.containers["app"] / "unit"
    cgroups.make(unit, pod.containers["app"])
    cgroups.limit(unit, limits)
    stage.command(unit, [stage.program, *words.split()]).wait_ready()


def limit_above_nearly_used_up(stage: Stage) -> list[Truth]:
    """What the one holds leaves the other little; nothing may go to swap, though there is some."""
    hog, other = (stage.pod(name, driver="cgroupfs", qos_class="BestEffort") for name in ("much", "little"))
    everyones = other.cgroup.parent
    stage.after(lambda: cgroups.limit(everyones, {"memory.max": "max", "memory.swap.max": "max"}))
    cgroups.limit(everyones, {"memory.max": 64 * MIB, "memory.swap.max": 0})
    stage.tenant(hog, f"anon {56 * MIB}")
    stage.tenant(other, f"anon {5 * MIB}")
    return [
        truth(pod, "near_limit_above", scope="pod", says="whoever takes it, ends in an OOM kill.")
        for pod in (hog, other)
    ]


def swap_limit_above_reached(stage: Stage) -> list[Truth]:
    """What the one has in swap leaves the other none, though its own limit and the machine's have room."""
    hog, other = (stage.pod(name, driver="cgroupfs", qos_class="BestEffort") for name in ("swapped", "left"))
    everyones = other.cgroup.parent
    stage.after(lambda: cgroups.limit(everyones, {"memory.high": "max", "memory.swap.max": "max"}))
    cgroups.limit(everyones, {"memory.swap.max": 8 * MIB})
    stage.tenant(hog, f"anon {40 * MIB}")
    stage.tenant(other, f"anon {5 * MIB}")
    cgroups.limit(everyones, {"memory.high": 24 * MIB})  # the write itself reclaims, as far as it can
    cgroups.limit(everyones, {"memory.high": "max"})
    return [
        truth(pod, "swap_full_above", scope="pod", says="8 MiB of 8 MiB is swapped out, by whomever")
        for pod in (hog, other)
    ]


def locked_file(stage: Stage) -> list[Truth]:
    pod, path = stage.pod("locked"), stage.file("locked", 30 * MIB)
    stage.tenant(pod, f"lock {path}")
    return [truth(pod, "locked_cache", 30 * MIB)]


def swapped_out(stage: Stage) -> list[Truth]:
    """The process's own VmSwap is the second route to what the cgroup's counter says.

    /proc/meminfo counts the swap cache of others, too: whatever was driven out before, and came back.
    """
    before = _meminfo("SwapCached")
    pod = stage.pod("swapped", limits={"memory.high": 20 * MIB})
    tenant = stage.tenant(pod, f"anon {60 * MIB}")
    in_cache = max(0, _meminfo("SwapCached") - before)
    swapped = int(tenant.ask("swapped"))
    return [
        truth(pod, "swap", swapped),
        truth(pod, "anon", 60 * MIB - swapped),
        truth(pod, _named_swap_cache(), in_cache),
        truth(pod, "throttled"),
    ]


def _named_swap_cache() -> str:
    """Return its name: before commit b6038942480e (5.12) memory.stat has no `swapcached`."""
    some = next(Path("/sys/fs/cgroup").glob("*/memory.stat"))
    return "swap_cache" if "\nswapcached " in some.read_text() else "detached_anon"


def several_at_once(stage: Stage) -> list[Truth]:
    pod, path = stage.pod("several", "app", "sidecar"), stage.file("several", 24 * MIB)
    stage.tenant(pod, f"anon {20 * MIB} write {SHM}/several {16 * MIB} read {path} 3 lazyfree {12 * MIB}")
    stage.tenant(pod, f"anon {10 * MIB} shared {7 * MIB}", container="sidecar")
    return [
        truth(pod, "anon", 20 * MIB),
        truth(pod, "shmem", 16 * MIB),
        truth(pod, "unmapped_shmem", 16 * MIB),
        truth(pod, "hot_cache", 24 * MIB),
        truth(pod, "lazyfree", 12 * MIB),
        truth(pod, "anon", 10 * MIB, scope="sidecar"),
        truth(pod, "shmem", 7 * MIB, scope="sidecar"),
    ]


def own_child_cgroups(stage: Stage) -> list[Truth]:
    """A systemd inside a sandbox makes cgroups of its own: their memory is the container's."""
    pod = stage.pod("nested")
    stage.tenant(pod, f"anon {18 * MIB}", below="init.scope")
    stage.tenant(pod, f"anon {11 * MIB} write {SHM}/nested {9 * MIB}", below="system.slice")
    return [truth(pod, "anon", 29 * MIB), truth(pod, "shmem", 9 * MIB)]


def oom_killed(stage: Stage) -> list[Truth]:
    pod = stage.pod("oom", "app", "worker", limits={"memory.max": 24 * MIB, "memory.swap.max": 0})
    stage.tenant(pod, f"anon {3 * MIB}")
    killed = stage.command(pod.containers["worker"], [stage.program, "anon", str(64 * MIB)])
    if killed.wait_end() >= 0:
        raise AssertionError("the limit did not hold")
    cgroups.remove(pod.containers["worker"])
    return [truth(pod, "oom_kill", scope="pod"), truth(pod, "anon", 3 * MIB)]


def near_the_limit(stage: Stage) -> list[Truth]:
    pod = stage.pod("near", limits={"memory.max": 32 * MIB})
    stage.tenant(pod, f"anon {30 * MIB}")
    return [truth(pod, "near_limit"), truth(pod, "anon", 30 * MIB)]


def protected_memory(stage: Stage) -> list[Truth]:
    pod, path = stage.pod("protected", limits={"memory.low": 32 * MIB}), stage.file("protected", 28 * MIB)
    stage.tenant(pod, f"read {path} 1")
    return [truth(pod, "protected"), truth(pod, "cold_cache", 28 * MIB)]


def real_runtime(stage: Stage) -> list[Truth]:
    """A container started by runc or crun, its root an overlay whose upper directory is a tmpfs."""
    runtime = shutil.which("runc") or shutil.which("crun")
    if runtime is None:
        raise FileNotFoundError("neither runc nor crun is installed; on Debian: apt-get install runc")
    pod = stage.pod("runtime", driver="cgroupfs")
    cgroup = pod.containers["app"]
    cgroup.rmdir()
    base = Path(tempfile.mkdtemp(prefix="runtime-", dir=RUN))
    stage.after(lambda: shutil.rmtree(base, ignore_errors=True))
    root = _overlay_root(base, stage.program)
    stage.after(lambda: unmount(root))
    words = ["/workload", "anon", str(22 * MIB), "write", "/written", str(13 * MIB)]
    path = "/" + str(cgroup.relative_to("/sys/fs/cgroup"))
    directory = bundle(base / "bundle", root, words, path)
    command = [runtime, "--root", str(base / "state"), "run", "--bundle", str(directory), "lab-app"]
    stage.command(None, command).wait_ready()
    return [truth(pod, "anon", 22 * MIB), truth(pod, "shmem", 13 * MIB)]


def _overlay_root(base: Path, program: str) -> Path:
    lower, upper, work, merged = (base / name for name in ("lower", "upper", "work", "merged"))
    for directory in (lower, upper, work, merged):
        directory.mkdir(parents=True)
    shutil.copy(program, lower / "workload")
    (lower / "proc").mkdir()
    syscalls.mount("overlay", str(merged), "overlay", f"lowerdir={lower},upperdir={upper},workdir={work}")
    return merged


def _meminfo(name: str) -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(name)


WORKLOADS: dict[str, Workload] = {
    each.__name__: each
    for each in (
        private_anon,
        forked_copy_on_write,
        one_address_space,
        file_read_once,
        file_read_thrice,
        tmpfs_file,
        shared_anonymous,
        sentry_memfd,
        madv_free,
        failed_lookups,
        sparse_touches,
        many_threads,
        many_open_files,
        full_sockets,
        neighbours_file,
        moved_process,
        removed_container,
        removed_container_that_looked_up_names,
        limits_set_inside,
        limit_above_nearly_used_up,
        swap_limit_above_reached,
        locked_file,
        swapped_out,
        several_at_once,
        own_child_cgroups,
        oom_killed,
        near_the_limit,
        protected_memory,
        real_runtime,
        *KILLS,
    )
} | {f"mixture_{seed}": mixture(seed) for seed in range(1, 5)}
