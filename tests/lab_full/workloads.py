"""The workloads that only a full kernel can play, with what must be said of each.

Run in the guest, under each of the passes. Sizes differ, so that no amount is found by accident.
"""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from lab import kills
from lab.stage import DISK, MIB, truth
from lab.truth import Truth
from lab_full.stage import SMALL, XFS, FullStage
from memcollect.lab import syscalls
from worlds import children

FullWorkload = Callable[[FullStage], list[Truth]]

PAGE = 4096
HUGE = 2 * MIB
BUFFER_HEAD_BYTES = 104
"""sizeof(struct buffer_head) on x86_64, 39 in a page (include/linux/buffer_head.h); one for each block."""
_KSM = "/sys/kernel/mm/ksm"
_MERGE_SECONDS = 60.0
_LEFT_BYTES = 400 * MIB
"""What a node is left with that is to run out of memory."""


def huge_pages_half_given_back(stage: FullStage) -> list[Truth]:
    """A huge page of which a half is unmapped stays whole, and charged, until memory is short."""
    # Or khugepaged puts halves together again while they are looked at: here that takes it long.
    stage.set("/sys/kernel/mm/transparent_hugepage/khugepaged/max_ptes_none", "0")
    pod = stage.pod("halves")
    stage.tenant(pod, f"halves {64 * MIB}")
    rests = 32 * MIB if stage.setting.huge_pages == "always" else 0
    return [truth(pod, "anon", 32 * MIB), truth(pod, "split_huge", rests)]


def one_byte_of_each_huge_page(stage: FullStage) -> list[Truth]:
    pod = stage.pod("wide-anon")
    stage.tenant(pod, f"bytes {72 * MIB}")
    size = 72 * MIB if stage.setting.huge_pages == "always" else 36 * PAGE
    return [truth(pod, "anon", size)]


def tmpfs_of_huge_pages(stage: FullStage) -> list[Truth]:
    """The mount's own option counts, whatever the system-wide one says of anonymous memory."""
    directory = stage.mounted("tmpfs", "huge", "huge=always")
    pod = stage.pod("wide-tmpfs")
    stage.tenant(pod, f"wide {directory}/blob {46 * MIB}")
    return [truth(pod, "shmem", 46 * MIB), truth(pod, "unmapped_shmem", 0)]


def compressed_swap(stage: FullStage) -> list[Truth]:
    """What /proc/meminfo's Zswap grows by is the second route to what the cgroup is charged for it.

    They are charged here, too: a limit below half of the noise would never be kept.
    """
    before = meminfo("Zswap")
    stage.set("/sys/module/zswap/parameters/enabled", "Y")
    pod = stage.pod("zswapped", limits={"memory.high": 48 * MIB})
    tenant = stage.tenant(pod, f"noise {64 * MIB}")
    swapped = int(tenant.ask("inswap"))
    return [
        truth(pod, "zswap", meminfo("Zswap") - before),
        truth(pod, "swap", swapped),
        truth(pod, "throttled"),
    ]


def swap_cache(stage: FullStage) -> list[Truth]:
    """What was swapped out and is read ahead of its use is in memory, and mapped by nobody.

    /proc/meminfo counts what others have in it, too: whatever was driven out before, and came back.
    """
    before = meminfo("SwapCached")
    pod = stage.pod("swap-cache", limits={"memory.high": 24 * MIB})
    tenant = stage.tenant(pod, f"noise {64 * MIB}")
    (pod.containers["app"] / "memory.high").write_text("max")
    tenant.ask("willneed")
    return [truth(pod, "swap_cache", meminfo("SwapCached") - before)]


def shared_memory_in_swap(stage: FullStage) -> list[Truth]:
    pod = stage.pod("shmem-swap", limits={"memory.high": 20 * MIB})
    tenant = stage.tenant(pod, f"memfd swapped-out {56 * MIB}")
    swapped = int(tenant.ask("inswap"))
    return [truth(pod, "swap", swapped), truth(pod, "shmem", 56 * MIB - swapped)]


def hugetlb_without_its_controller(stage: FullStage) -> list[Truth]:
    _reserve(stage, 16)
    pod = stage.pod("hugetlb-off")
    stage.tenant(pod, f"hugetlb {16 * MIB}")
    return [truth(pod, "hugetlb", 16 * MIB)]


def hugetlb_with_its_controller(stage: FullStage) -> list[Truth]:
    _reserve(stage, 16)
    pod = stage.pod("hugetlb-on")
    stage.hand_down(pod, "hugetlb")
    stage.tenant(pod, f"hugetlb {18 * MIB}")
    return [truth(pod, "hugetlb", 18 * MIB)]


def hugetlb_charged_as_memory(stage: FullStage) -> list[Truth]:
    """memory_hugetlb_accounting, since 6.6."""
    _reserve(stage, 16)
    _remount(stage, "memory_hugetlb_accounting")
    pod = stage.pod("hugetlb-charged")
    stage.tenant(pod, f"hugetlb {20 * MIB} anon {6 * MIB}")
    return [truth(pod, "hugetlb", 20 * MIB), truth(pod, "anon", 6 * MIB)]


def merged_pages(stage: FullStage) -> list[Truth]:
    """KSM: ps counts every page that was merged, the cgroup pays for one in max_page_sharing."""
    stage.set(f"{_KSM}/pages_to_scan", "20000")
    stage.set(f"{_KSM}/sleep_millisecs", "10")
    stage.set(f"{_KSM}/run", "1")
    stage.after(lambda: Path(_KSM, "run").write_text("2"))
    pod = stage.pod("merged")
    stage.tenant(pod, f"same {34 * MIB}")
    _wait_for(lambda: _ksm("pages_sharing") * PAGE >= 33 * MIB)
    return [truth(pod, "ksm", _ksm("pages_sharing") * PAGE), truth(pod, "anon", 0)]


def over_memory_high(stage: FullStage) -> list[Truth]:
    """With nothing to reclaim, memory.high slows the processes down, which PSI shows."""
    pod = stage.pod("stalled", limits={"memory.high": 24 * MIB, "memory.swap.max": 0})
    stage.tenant(pod, f"anon {26 * MIB}")
    return [truth(pod, "anon", 26 * MIB), truth(pod, "throttled"), truth(pod, "stalled")]


def tcp_buffers(stage: FullStage) -> list[Truth]:
    """What each socket says of its memory is the second route: buffers, their headers, and what is spare."""
    pod = stage.pod("tcp")
    before = _tcp_bytes()
    stage.tenant(pod, "tcp 8")
    return [truth(pod, "sock", _tcp_bytes() - before)]


def io_uring_rings(stage: FullStage) -> list[Truth]:
    pod = stage.pod("uring")
    size = int(stage.tenant(pod).ask("uring 32"))
    return [truth(pod, "other_kernel", size), truth(pod, "borrowed_file", 0)]


def bpf_array(stage: FullStage) -> list[Truth]:
    pod = stage.pod("bpf-array")
    stage.tenant(pod, f"bpfarray {24 * MIB}")
    return [truth(pod, "vmalloc", 24 * MIB)]


def bpf_ring(stage: FullStage) -> list[Truth]:
    pod = stage.pod("bpf-ring")
    stage.tenant(pod, f"bpfring {16 * MIB}")
    return [
        truth(pod, "other_kernel", 16 * MIB),
        truth(pod, "rings", 16 * MIB),
        truth(pod, "borrowed_file", 0),
    ]


def perf_ring(stage: FullStage) -> list[Truth]:
    """Charged to nobody: mapped here, and no neighbour pays. On 7.2 no part of it is in RSS (seen)."""
    counted = 16 * MIB if os.uname().release.startswith("6.12.") else 0
    pod = stage.pod("perf")
    stage.tenant(pod, f"anon {5 * MIB} perf 4096")
    return [truth(pod, "anon", 5 * MIB), truth(pod, "rings", counted), truth(pod, "borrowed_file", 0)]


def packet_ring(stage: FullStage) -> list[Truth]:
    """Charged to nobody, as perf's."""
    pod = stage.pod("packet")
    stage.tenant(pod, f"anon {7 * MIB} packet {16 * MIB}")
    return [truth(pod, "anon", 7 * MIB), truth(pod, "rings", 16 * MIB), truth(pod, "borrowed_file", 0)]


def secret_memory(stage: FullStage) -> list[Truth]:
    pod = stage.pod("secret")
    stage.tenant(pod, f"secret {14 * MIB}")
    return [truth(pod, "locked_cache", 14 * MIB)]


def ramfs_file(stage: FullStage) -> list[Truth]:
    directory = stage.mounted("ramfs", "ramfs")
    pod = stage.pod("ramfs")
    stage.tenant(pod, f"write {directory}/blob {27 * MIB}")
    return [truth(pod, "locked_cache", 27 * MIB)]


def locked_file(stage: FullStage) -> list[Truth]:
    pod, path = stage.pod("locked-file"), stage.file("locked", 31 * MIB)
    stage.tenant(pod, f"lock {path}")
    return [truth(pod, "locked_cache", 31 * MIB)]


def locked_anonymous(stage: FullStage) -> list[Truth]:
    pod = stage.pod("locked-anon")
    stage.tenant(pod, f"anon {4 * MIB} lockanon {22 * MIB}")
    return [truth(pod, "locked_anon", 22 * MIB)]


def xfs_file(stage: FullStage) -> list[Truth]:
    """XFS keeps its cache in large folios."""
    pod, path = stage.pod("xfs"), stage.file("once", 48 * MIB, XFS)
    stage.tenant(pod, f"read {path} 1")
    return [truth(pod, "cold_cache", 48 * MIB)]


def unwritten_file(stage: FullStage) -> list[Truth]:
    """A cgroup has its own threshold, beyond which it is written out: a tenth, where nothing else is set, of
    its cache and of what is clean elsewhere (mm/page-writeback.c, mdtc_calc_avail). The flusher is to wake
    in an hour: with 0 it wakes at the first page that gets dirty (wb_wakeup_delayed), writing out what is
    there by then, since a cgroup that has not written yet has no share of the threshold (wb_over_bg_thresh).
    """
    stage.set("/proc/sys/vm/dirty_ratio", "100")
    stage.set("/proc/sys/vm/dirty_background_ratio", "99")
    stage.set("/proc/sys/vm/dirty_expire_centisecs", "360000")
    stage.set("/proc/sys/vm/dirty_writeback_centisecs", "360000")
    pod = stage.pod("dirty")
    stage.tenant(pod, f"dirty {DISK}/dirty {25 * MIB}")
    return [truth(pod, "unwritten", 25 * MIB)]


def small_blocks(stage: FullStage) -> list[Truth]:
    """A file written to blocks smaller than a page: the cache has a buffer head for each block."""
    pod = stage.pod("small-blocks")
    stage.tenant(pod, f"write {SMALL}/blob {64 * MIB}")
    heads = 64 * MIB // 1024 // (PAGE // BUFFER_HEAD_BYTES) * PAGE
    return [truth(pod, "slab_reclaimable", heads, says="blocks it has mounted, of 1 KiB")]


def killed_for_want_of_memory_on_the_node(stage: FullStage) -> list[Truth]:
    """Most of the node is reserved for huge pages: an emulated processor takes minutes to fill gigabytes."""
    pages = max(0, meminfo("MemAvailable") - _LEFT_BYTES) // HUGE
    stage.set("/proc/sys/vm/nr_hugepages", str(pages))
    return kills.killed_for_want_of_memory_on_the_node(stage)


def meminfo(name: str) -> int:
    """Return a line of /proc/meminfo in bytes."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(name)


def _ksm(name: str) -> int:
    return int(Path(_KSM, name).read_text())


def _wait_for(is_there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _MERGE_SECONDS
    while not is_there():
        if time.monotonic() > deadline:
            raise TimeoutError("what this workload waits for did not happen")
        time.sleep(0.2)


def _tcp_bytes() -> int:
    """Return the memory of all TCP sockets of this network namespace: received, queued to be sent, spare.

    /proc/net/sockstat may lack 1 MiB a CPU (PCPU_RESERVE, include/net/sock.h).
    """
    said = children.run(["ss", "-tmn"], check=True).stdout
    return sum(int(size) for size in re.findall(r"(?<=[(,])(?:r|f|w)(\d+)", said))


def _reserve(stage: FullStage, count: int) -> None:
    """Have huge pages ready for hugetlb, which need memory in one piece."""
    Path("/proc/sys/vm/compact_memory").write_text("1")
    stage.set("/proc/sys/vm/nr_hugepages", str(count))
    got = int(Path("/proc/sys/vm/nr_hugepages").read_text())
    if got < count:
        raise MemoryError(f"only {got} of {count} huge pages could be had")


def _remount(stage: FullStage, option: str) -> None:
    """Mount the cgroups anew with an option beside those they have."""
    line = next(each for each in Path("/proc/self/mounts").read_text().splitlines() if " cgroup2 " in each)
    kept = [each for each in line.split()[3].split(",") if each in {"nsdelegate", "memory_recursiveprot"}]
    stage.after(lambda: _remounted(kept))
    _remounted([*kept, option])


def _remounted(options: list[str]) -> None:
    syscalls.mount("cgroup2", "/sys/fs/cgroup", "cgroup2", ",".join(options), syscalls.MS_REMOUNT)


FULL_WORKLOADS: dict[str, FullWorkload] = {
    each.__name__: each
    for each in (
        huge_pages_half_given_back,
        one_byte_of_each_huge_page,
        tmpfs_of_huge_pages,
        compressed_swap,
        swap_cache,
        shared_memory_in_swap,
        hugetlb_without_its_controller,
        hugetlb_with_its_controller,
        hugetlb_charged_as_memory,
        merged_pages,
        over_memory_high,
        tcp_buffers,
        io_uring_rings,
        bpf_array,
        bpf_ring,
        perf_ring,
        packet_ring,
        secret_memory,
        ramfs_file,
        locked_file,
        locked_anonymous,
        xfs_file,
        unwritten_file,
        small_blocks,
        killed_for_want_of_memory_on_the_node,
    )
}
