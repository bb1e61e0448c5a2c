"""What is said of sandboxes of every runtime and way to configure it: nothing false, and what to do works."""

from typing import Any

import msgspec
import pytest

from memcollect.documents.snapshot import Container, Finding, Pod, Runtime
from memcollect.explain.holder import FREE_IN_GUEST, FREE_IN_SENTRY, LOOK_INSIDE
from memcollect_agent.wire import Hint, ProcessSums
from worlds.builders import MIB
from worlds.sandbox_shapes import (
    CUBE,
    FIRECRACKER,
    GIB,
    GVISOR,
    KATA,
    SANDBOX,
    charged,
    guest_app,
    holding,
    process,
    region,
    sandboxed,
    top,
)

OVERHEAD = f"/kata_overhead/{SANDBOX}"
IN_POD = f"/kubepods/podx/kata_{SANDBOX}"
MEMFD = region("memfd", 600 * MIB, "kata-ram", size_bytes=2 * GIB)
OWN = region("rest", 30 * MIB)


def told(pod: Pod, cause: str) -> list[Finding]:
    return [each for each in pod.findings if each.cause == cause]


def only(pod: Pod, cause: str) -> Finding:
    (finding,) = told(pod, cause)
    return finding


def guest_bytes(pod: Pod) -> int:
    return sum(each.estimate_bytes or 0 for each in told(pod, "guest_memory"))


def vmm(*regions: Any) -> Hint:
    return process("vmm", "qemu-system-x86_64", *regions)


def shim() -> Hint:
    """Return Kata's shim in Go: 36 MiB of the runtime's own tables are mapped, and little of them is used."""
    tables = region("anon", 300 * 1024, size_bytes=36 * MIB)
    return process("kata-shim", "containerd-shim-kata-v2", tables, region("rest", 25 * MIB), pid=101)


def sentry(*regions: Any) -> Hint:
    return process("sentry", "runsc", *regions)


def beside(*hints: Hint, **stat: int) -> Container:
    return holding(charged(OVERHEAD, **stat), *hints, role="overhead")


def test_a_sentry_without_stubs_or_a_busy_gofer_is_told_as_any_other() -> None:
    """directfs leaves the gofer idle, and the KVM platform has no stubs."""
    held = charged(anon=40 * MIB, file=310 * MIB, shmem=300 * MIB)
    pod = sandboxed(
        GVISOR,
        holding(held, sentry(region("memfd", 300 * MIB, "runsc-memory"), region("rest", 40 * MIB))),
        top=top(300 * MIB, "gvisor-split"),
    )
    assert guest_bytes(pod) == 300 * MIB
    assert not told(pod, "guest_mapped_again")
    assert "54 MiB less than the host's 354 MiB" in pod.verdict


def test_an_overlay_in_memory_is_a_part_of_the_one_memfd() -> None:
    """--overlay2=root:memory: what is written to the root filesystem is no cache, and nothing says so."""
    held = charged(anon=40 * MIB, file=900 * MIB, shmem=900 * MIB)
    pod = sandboxed(GVISOR, holding(held, sentry(region("memfd", 900 * MIB, "runsc-memory"))))
    assert guest_bytes(pod) == 900 * MIB
    assert "page cache on the host" not in pod.verdict
    assert "host's page cache" not in pod.verdict


def test_a_filestore_on_disk_is_files_of_the_guest_and_no_snapshot() -> None:
    """--overlay2=root:self, the default: the Sentry maps one file of the root filesystem's upper layer."""
    store = region("file", 1500 * MIB, "/run/x/rootfs/.gvisor.filestore.d8", size_bytes=2 * GIB)
    held = charged(anon=40 * MIB, file=1800 * MIB, shmem=280 * MIB, file_mapped=1500 * MIB)
    pod = sandboxed(
        GVISOR,
        holding(held, sentry(region("memfd", 280 * MIB, "runsc-memory"), store, region("rest", 40 * MIB))),
    )
    stored, memory = told(pod, "guest_memory")
    assert (stored.estimate_bytes, memory.estimate_bytes) == (1500 * MIB, 280 * MIB)
    assert "in a file on the host's disk: page cache" in stored.sentence
    assert "snapshot" not in stored.sentence
    assert "all inside that one memfd" not in memory.sentence
    assert pod.verdict.startswith("280 MiB of 1844 MiB charged for this gVisor sandbox is its guest's memory")
    assert "is files that it wrote, cached from the host's disk; 64 MiB is the runtime's own" in pod.verdict


def test_a_restored_sentry_maps_less_than_its_memfd_holds_and_the_images_cache_is_the_hosts() -> None:
    held = charged(anon=60 * MIB, file=900 * MIB, shmem=500 * MIB)
    pod = sandboxed(GVISOR, holding(held, sentry(region("memfd", 120 * MIB, "runsc-memory", size_bytes=GIB))))
    memory = only(pod, "guest_memory")
    assert (memory.low_bytes, memory.estimate_bytes) == (120 * MIB, 500 * MIB)
    assert (
        "464 MiB is the runtime's own cost and the pod's, 400 MiB of it the host's page cache" in pod.verdict
    )


def test_a_guest_that_was_charged_before_its_vmm_was_moved_is_the_guests_in_both_cgroups() -> None:
    """sandbox_cgroup_only=false on cgroup v2: the VMM boots in the overhead cgroup, and goes to the pod's."""
    helper = process(
        "virtiofsd", "virtiofsd", region("memfd", 90 * MIB, "kata-ram", size_bytes=2 * GIB), pid=102
    )
    pod = sandboxed(
        KATA,
        holding(charged(IN_POD, anon=30 * MIB, file=400 * MIB, shmem=400 * MIB), vmm(MEMFD, OWN)),
        guest_app(),
        outside=[beside(shim(), helper, anon=33 * MIB, file=500 * MIB, shmem=200 * MIB)],
    )
    here, there = told(pod, "guest_memory")
    assert (here.estimate_bytes, there.estimate_bytes) == (400 * MIB, 200 * MIB)
    assert (there.low_bytes, there.high_bytes, there.confidence) == (0, 200 * MIB, "bounded")
    assert "200 MiB) more of the guest's memory is charged in /kata_overhead/" in there.sentence
    assert "or filled by virtiofsd" in there.sentence
    assert pod.verdict.startswith("600 MiB (between 400 MiB and 600 MiB) of 971 MiB charged")
    assert "300 MiB of it the host's page cache" in pod.verdict
    assert "the VMM and virtiofsd" in only(pod, "guest_mapped_again").sentence


def test_of_nameless_memory_no_more_was_left_behind_than_the_vmm_maps_beyond_its_charge() -> None:
    pod = sandboxed(
        KATA,
        holding(charged(IN_POD, anon=430 * MIB), vmm(region("anon", 600 * MIB, size_bytes=2 * GIB), OWN)),
        guest_app(),
        outside=[beside(shim(), anon=225 * MIB)],
    )
    here, there = told(pod, "guest_memory")
    assert (here.estimate_bytes, there.estimate_bytes) == (430 * MIB, 170 * MIB)
    assert "filled by" not in there.sentence


@pytest.mark.parametrize("size", [600 * MIB, 400 * MIB])
def test_nothing_was_left_behind_where_the_vmm_was_charged_for_all_that_it_maps(size: int) -> None:
    held = charged(IN_POD, anon=30 * MIB + size)
    pod = sandboxed(
        KATA,
        holding(held, vmm(region("anon", size, size_bytes=2 * GIB), OWN)),
        guest_app(),
        outside=[beside(shim(), anon=225 * MIB)],
    )
    assert only(pod, "guest_memory").estimate_bytes == size
    assert [each.scope for each in told(pod, "runtime_own")] == ["overhead", "sandbox"]


def test_shared_memory_in_another_cgroup_of_a_sentrys_pod_is_no_part_of_the_guest() -> None:
    """Nobody moves a Sentry: what a gofer's cgroup is charged for is a volume's."""
    gofer = process("gofer", "runsc", region("rest", 9 * MIB), pid=101)
    volume = holding(charged("/kubepods/podx/g", file=300 * MIB, shmem=300 * MIB), gofer, role="pause")
    held = charged(file=100 * MIB, shmem=100 * MIB)
    pod = sandboxed(GVISOR, holding(held, sentry(region("memfd", 400 * MIB, "runsc-memory"))), volume)
    assert only(pod, "guest_memory").high_bytes == 100 * MIB


def test_a_shim_in_go_holds_no_guest_though_its_runtime_maps_much() -> None:
    pod = sandboxed(KATA, holding(charged(IN_POD, anon=26 * MIB), shim()), guest_app())
    assert not told(pod, "guest_memory")
    assert "no process that holds a Kata guest was found" in pod.verdict


def test_a_peer_pod_has_its_guest_on_another_machine() -> None:
    remote = msgspec.structs.replace(KATA, handler="kata-remote")
    pod = sandboxed(remote, holding(charged(IN_POD, anon=26 * MIB), shim()), guest_app())
    assert not told(pod, "guest_memory")
    assert "whose guest is a machine of its own elsewhere" in pod.verdict
    assert "could not be told: no process" not in pod.verdict


def test_dragonball_is_in_the_shim_and_its_guest_is_found_there() -> None:
    held = charged(IN_POD, anon=40 * MIB, file=420 * MIB, shmem=400 * MIB)
    hint = process(
        "kata-shim", "containerd-shim-kata-v2", region("memfd", 400 * MIB, "dbs-ram", size_bytes=2 * GIB)
    )
    pod = sandboxed(KATA, holding(held, hint), guest_app())
    assert only(pod, "guest_memory").estimate_bytes == 400 * MIB


@pytest.mark.parametrize("ram", [region("anon", 700 * MIB, size_bytes=2 * GIB), MEMFD])
def test_the_guests_disk_image_is_the_hosts_page_cache_and_no_snapshot(ram: Any) -> None:
    """Cloud Hypervisor maps Kata's image as pmem, privately, and every pod of the node the same one."""
    image = region("file", 120 * MIB, "/opt/kata/kata.img", size_bytes=256 * MIB, private=True, anon_bytes=0)
    shmem = ram.rss_bytes if ram.backing == "memfd" else 0
    anon = ram.rss_bytes - shmem
    held = charged(IN_POD, anon=anon, file=shmem + 120 * MIB, shmem=shmem, file_mapped=120 * MIB)
    pod = sandboxed(KATA, holding(held, vmm(ram, image)), guest_app())
    assert not told(pod, "snapshot")
    assert only(pod, "guest_memory").estimate_bytes == ram.rss_bytes
    assert "120 MiB of it the host's page cache" in pod.verdict


def test_files_that_dax_maps_into_the_guest_are_the_hosts_page_cache() -> None:
    window = region("file", 300 * MIB, "/var/lib/x/libtorch.so")
    held = charged(IN_POD, anon=30 * MIB, file=900 * MIB, shmem=600 * MIB, file_mapped=900 * MIB)
    pod = sandboxed(KATA, holding(held, vmm(MEMFD, window, OWN)), guest_app())
    assert only(pod, "guest_memory").estimate_bytes == 600 * MIB
    assert "300 MiB of it the host's page cache" in pod.verdict


def test_huge_pages_stand_beside_the_charge_also_where_they_were_charged_before_the_move() -> None:
    ram = region("hugetlb", 0, "/dev/hugepages/x", hugetlb_bytes=2 * GIB, size_bytes=2 * GIB)
    pod = sandboxed(
        KATA,
        holding(charged(IN_POD, anon=50 * MIB, hugetlb=0), vmm(ram, OWN)),
        guest_app(),
        outside=[beside(shim(), anon=25 * MIB, hugetlb=2 * GIB)],
    )
    memory = only(pod, "guest_memory")
    assert memory.estimate_bytes == 2 * GIB
    assert "of the guest's memory (huge pages, beside memory.current) is charged in" in memory.sentence
    assert "83 MiB is charged: the runtime's own cost and the pod's" in pod.verdict


def test_nydusd_maps_the_guests_memory_as_virtiofsd_does() -> None:
    daemon = process("nydusd", "nydusd", MEMFD, region("rest", 40 * MIB), pid=102)
    held = charged(IN_POD, anon=70 * MIB, file=600 * MIB, shmem=600 * MIB)
    pod = sandboxed(KATA, holding(held, vmm(MEMFD, OWN), daemon), guest_app())
    assert "nydusd and the VMM" in only(pod, "guest_mapped_again").sentence
    assert "nydusd 40 MiB" in only(pod, "runtime_own").sentence


def test_near_its_limit_nobody_is_told_to_free_heap_on_the_host_or_to_drop_caches() -> None:
    """virtio-mem grew the VM, and the guest has freed most of it since."""
    stat = {"anon": 30 * MIB, "file": 3 * GIB, "shmem": 3 * GIB}
    own = msgspec.structs.replace(
        charged("/kubepods/podx", **stat),
        max_bytes=3200 * MIB,
        descendants={},
        events={"low": 0, "high": 0, "max": 9, "oom": 1, "oom_kill": 1},
    )
    ram = region("memfd", 3 * GIB, "kata-ram", size_bytes=8 * GIB)
    pod = sandboxed(KATA, holding(charged(IN_POD, **stat), vmm(ram, OWN)), guest_app(), own=own)
    assert only(pod, "near_limit").remedy == FREE_IN_GUEST
    assert only(pod, "oom_kill").remedy == FREE_IN_GUEST
    assert "balloon" in only(pod, "guest_memory").sentence


def test_near_its_limit_a_sentry_gives_back_what_is_freed_in_it() -> None:
    stat = {"anon": 30 * MIB, "file": GIB, "shmem": GIB}
    own = msgspec.structs.replace(charged("/kubepods/podx", **stat), max_bytes=1060 * MIB, descendants={})
    pod = sandboxed(
        GVISOR, holding(charged(IN_POD, **stat), sentry(region("memfd", GIB, "runsc-memory"))), own=own
    )
    assert only(pod, "near_limit").remedy == FREE_IN_SENTRY


def test_a_template_on_tmpfs_is_charged_to_whoever_wrote_it() -> None:
    """Kata's VM templating: the clean pages are the factory's, and no sandbox touched them first."""
    ram = region(
        "file",
        600 * MIB,
        "/run/vc/vm/template/memory",
        private=True,
        anon_bytes=250 * MIB,
        pss_bytes=300 * MIB,
        size_bytes=2 * GIB,
    )
    pod = sandboxed(KATA, holding(charged(IN_POD, anon=280 * MIB), vmm(ram, OWN)), guest_app())
    assert guest_bytes(pod) == 250 * MIB
    assert "mapped by 7 sandboxes" in only(pod, "snapshot").sentence
    assert "to whoever touched them first: another sandbox, or what wrote" in only(pod, "snapshot").sentence


@pytest.mark.parametrize("cached", [0, 440 * MIB])
def test_of_many_clones_the_first_pays_for_the_clean_pages_and_none_calls_them_heaps(cached: int) -> None:
    ram = region(
        "file",
        500 * MIB,
        "/data/cube/template-7/memory",
        private=True,
        anon_bytes=60 * MIB,
        pss_bytes=64 * MIB,
        size_bytes=2 * GIB,
    )
    held = charged(f"/cube_sandbox/sandbox/{SANDBOX}", anon=80 * MIB, file=cached, file_mapped=cached)
    clone = holding(held, process("cube-shim", "containerd-shim-cube-rs", ram, OWN), role="container")
    pod = sandboxed(CUBE, clone, kind="sandbox")
    assert guest_bytes(pod) == 60 * MIB + cached
    assert "host's page cache" not in pod.verdict
    assert "a fair share of 4 MiB each" in only(pod, "snapshot").sentence
    anon = only(pod, "anon")
    assert "what the guest has written of its snapshot" in anon.sentence
    assert "heaps" not in anon.sentence
    assert anon.remedy == LOOK_INSIDE


def test_guest_memory_without_a_name_is_never_told_as_heaps_of_processes() -> None:
    held = charged("/firecracker/x", anon=225 * MIB, anon_thp=100 * MIB)
    ram = region("anon", 220 * MIB, size_bytes=GIB)
    vm = holding(held, process("vmm", "firecracker", ram, region("rest", 5 * MIB)), role="container")
    pod = sandboxed(FIRECRACKER, vm, kind="sandbox")
    anon = only(pod, "anon")
    assert "of the VMM (the guest's memory, and the VMM's own; 100 MiB in huge pages" in anon.sentence
    assert anon.remedy == LOOK_INSIDE


def test_a_memfd_of_a_guest_is_no_file_that_somebody_can_delete() -> None:
    held = charged("/firecracker/x", anon=20 * MIB, file=600 * MIB, shmem=600 * MIB, file_mapped=600 * MIB)
    vm = holding(held, process("vmm", "firecracker", MEMFD), role="container")
    shmem = only(sandboxed(FIRECRACKER, vm, kind="sandbox"), "shmem")
    assert "is the guest's memory, as shared memory" in shmem.sentence
    assert "until the VMM gives it back or ends" in shmem.sentence
    assert "files are deleted" not in shmem.sentence
    assert shmem.remedy == LOOK_INSIDE


def test_a_sentrys_heap_is_not_the_guests() -> None:
    """runsc under Docker: the container is the sandbox."""
    held = charged("/docker/x", anon=40 * MIB, file=300 * MIB, shmem=300 * MIB, file_mapped=300 * MIB)
    box = holding(held, sentry(region("memfd", 300 * MIB, "runsc-memory"), OWN), role="container")
    pod = sandboxed(GVISOR, box, kind="container")
    assert "of the Sentry (its own heap, not the guest's" in only(pod, "anon").sentence
    assert "until the Sentry gives it back or ends" in only(pod, "shmem").sentence


UNKNOWN = Runtime(family="unknown", runtime_class="mystery", handler="mystery")


@pytest.mark.parametrize("runtime", [UNKNOWN, Runtime(family="runc", runtime_class="sysbox-runc")])
def test_of_a_runtime_that_is_none_of_these_the_hosts_words_hold(runtime: Runtime) -> None:
    """sysbox and unknown ones: the container's cgroup is told as anywhere else, with its processes."""
    app = Container(
        name="app",
        id="c7" * 32,
        state="running",
        cgroup=charged(anon=300 * MIB),
        sums=ProcessSums(
            listed=9, read=9, rss_bytes=300 * MIB, pss_bytes=300 * MIB, pss_anon_bytes=300 * MIB
        ),
    )
    pod = sandboxed(runtime, app)
    assert pod.verdict.startswith("300 MiB of 304 MiB is private memory")
    assert "heaps" in only(pod, "anon").sentence
    assert not told(pod, "guest_memory")


def test_a_shim_that_runs_several_containers_itself_is_charged_to_the_pod_and_to_none_of_them() -> None:
    """A WASM shim in the pod's own cgroup; its containers' cgroups are empty."""
    empty = [
        Container(name=name, id=name * 64, state="running", cgroup=charged(kernel=0), sums=ProcessSums())
        for name in "ab"
    ]
    own = msgspec.structs.replace(charged("/kubepods/podx", anon=90 * MIB), descendants={})
    sums = ProcessSums(listed=1, read=1, rss_bytes=90 * MIB, pss_bytes=90 * MIB, pss_anon_bytes=90 * MIB)
    pod = sandboxed(UNKNOWN, *empty, own=own, own_sums=sums)
    assert "processes outside of its containers" in pod.verdict
    assert not told(pod, "dead_containers")
