"""What must be said of each scene; used on a kernel that runs and on recordings of one."""

from collections.abc import Callable

from lab.contradictions import tolerance
from lab.runtime_explained import explained, finding, gvisor_split, joined, kata_guest
from lab.runtime_truth import Played
from memcollect.documents.snapshot import Pod
from memcollect.explain.statement import brief
from memcollect.services import default_table, with_services
from memcollect.units import MIB

SLACK = 2 * MIB
"""Beside a guest's memory: page tables, kernel stacks and the small program itself, of several processes."""


def near(found: int | None, made: int) -> bool:
    return found is not None and abs(found - made) <= tolerance(made)


def own_is(found: int | None, made: int) -> bool:
    return found is not None and made <= found <= made + SLACK


def bill(pod: Pod) -> int:
    outside = sum(each.cgroup.current_bytes or 0 for each in pod.outside if each.cgroup)
    assert pod.cgroup is not None
    return (pod.cgroup.current_bytes or 0) + outside


def guest_is_told_once(pod: Pod, played: Played) -> None:
    """The guest's memory and the runtime's own cost are what was made, and come to the bill together."""
    guest, own = finding(pod, "guest_memory"), finding(pod, "runtime_own")
    assert near(guest.estimate_bytes, played.scene.sizes["guest"])
    assert own_is(own.estimate_bytes, played.scene.sizes["own"])
    assert abs((guest.estimate_bytes or 0) + (own.estimate_bytes or 0) - bill(pod)) <= SLACK
    assert "not visible from the host" in guest.sentence
    assert "its guest's memory" in pod.verdict


def rss_is_not_added_up(pod: Pod, again: int) -> None:
    told = finding(pod, "guest_mapped_again")
    assert near(told.estimate_bytes, again)
    assert "more than once. It is charged once." in told.sentence
    assert pod.ladder is not None
    rungs = {each.rung: each.bytes for each in pod.ladder.rungs}
    assert (rungs["rss"] or 0) - (rungs["pss"] or 0) >= again - SLACK
    assert (rungs["pss"] or 0) <= bill(pod) + SLACK


def difference_is_told(pod: Pod, provider: str, shown: int) -> None:
    assert pod.top is not None
    assert (pod.top.provider, pod.top.status, pod.top.memory_bytes) == (provider, "different-provider", shown)
    told = finding(pod, "top_provider")
    assert told.estimate_bytes == bill(pod) - shown
    assert brief(told.sentence) in pod.verdict


def gvisor_systemd(played: Played) -> None:
    numbers = gvisor_split(played)
    assert set(numbers.values()) == {24 * MIB}
    (pod,) = explained(played, "gvisor", numbers)
    assert (pod.runtime.family, pod.runtime.confidence) == ("gvisor", "measured")
    roles = {each.name: each.role for each in pod.containers}
    assert roles == {"app": "container", "sidecar": "container", "sandbox": "sandbox"}
    guest_is_told_once(pod, played)
    rss_is_not_added_up(pod, played.scene.sizes["again"])
    difference_is_told(pod, "gvisor-split", 48 * MIB)
    assert "divided equally among 2 containers (24 MiB each)" in finding(pod, "top_provider").sentence
    assert "runsc-memory" in finding(pod, "guest_memory").sentence
    contradicted = joined(played, None).pods[0].runtime
    assert "names no RuntimeClass, but its node shows gVisor" in contradicted.disagreement


def gvisor_cgroupfs(played: Played) -> None:
    (pod,) = explained(played, "gvisor", gvisor_split(played))
    assert [each.kind for each in pod.own_hints] == ["sentry"]
    guest_is_told_once(pod, played)
    assert finding(pod, "guest_memory").scope == "pod"
    difference_is_told(pod, "gvisor-split", 37 * MIB)


def kata_memfd(played: Played) -> None:
    rows = joined(played, "kata")
    assert rows.missing == []
    (pod,) = explained(played, "kata", kata_guest(played))
    assert (pod.runtime.family, pod.runtime.confidence) == ("kata", "measured")
    guest_is_told_once(pod, played)
    rss_is_not_added_up(pod, played.scene.sizes["again"])
    difference_is_told(pod, "kata-guest", played.scene.sizes["top"])
    own = finding(pod, "runtime_own").sentence
    assert all(name in own for name in ("the VMM 5.", "the shim 4.", "virtiofsd 3."))
    (app,) = [each for each in pod.containers if each.name == "app"]
    assert (app.cgroup, app.composition) == (None, None)
    assert "inside the virtual machine" in app.inside
    assert "balloon" in finding(pod, "guest_memory").sentence


def kata_shm(played: Played) -> None:
    (pod,) = explained(played, "kata", kata_guest(played))
    guest_is_told_once(pod, played)
    difference_is_told(pod, "kata-guest", played.scene.sizes["top"])
    assert "/dev/shm/ch_ram" in finding(pod, "guest_memory").sentence


def kata_overhead_anon(played: Played) -> None:
    rows = joined(played, "kata")
    assert rows.missing == []
    (pod,) = explained(played, "kata", kata_guest(played))
    guest_is_told_once(pod, played)
    difference_is_told(pod, "kata-guest", played.scene.sizes["top"])
    outside = finding(pod, "outside_pod")
    assert own_is(outside.estimate_bytes, played.scene.sizes["outside"])
    assert "bears the pod's sandbox id" in outside.sentence
    assert brief(outside.sentence) in pod.verdict
    assert pod.cgroup is not None
    assert (pod.cgroup.current_bytes or 0) < MIB
    assert pod.outside[0].composition is not None
    assert pod.outside[0].composition.residual.within_bound
    assert finding(pod, "guest_memory").confidence == "inferred"


def e2b_snapshot(played: Played) -> None:
    """Σ of the three charges is what was made once: the clean pages are in one of them alone."""
    sizes = played.scene.sizes
    pods = explained(played, None)
    assert {each.name for each in pods} == {"sbx-one", "sbx-two", "sbx-three"}
    for pod in pods:
        assert (pod.kind, pod.runtime.family, pod.runtime.platforms) == ("sandbox", "firecracker", ["e2b"])
        told = finding(pod, "snapshot")
        assert near(told.estimate_bytes, sizes["share"])
        assert "mapped by 3 sandboxes" in told.sentence
        assert "6 MiB were written" in told.sentence
        own = finding(pod, "runtime_own")
        assert sizes["own"] <= (own.estimate_bytes or 0) <= sizes["own"] + sizes["written"] + SLACK
        assert "no Pod" in finding(pod, "top_provider").sentence
        assert pod.composition is not None
        assert pod.composition.residual.within_bound
    together = sum(bill(pod) for pod in pods)
    made = 3 * (sizes["written"] + sizes["own"]) + sizes["clean"] + sizes["written"]
    assert made <= together <= made + 3 * SLACK
    shares = sum(finding(pod, "guest_memory").estimate_bytes or 0 for pod in pods)
    assert near(shares, 3 * sizes["written"] + sizes["clean"])


def cube_snapshot(played: Played) -> None:
    (pod,) = explained(played, None)
    assert (pod.kind, pod.runtime.family) == ("sandbox", "cube")
    told = finding(pod, "snapshot")
    assert near(told.estimate_bytes, played.scene.sizes["share"])
    assert "mapped by this sandbox alone" in told.sentence
    assert "no Pod" in finding(pod, "top_provider").sentence


def jailed_firecracker(played: Played) -> None:
    (pod,) = explained(played, None)
    assert (pod.kind, pod.name, pod.runtime.family) == ("sandbox", "vm-7", "firecracker")
    guest_is_told_once(pod, played)


def aio_services(played: Played) -> None:
    (pod,) = explained(played, None)
    assert pod.runtime.family == "default"
    assert not [each for each in pod.findings if each.cause.startswith("guest")]
    assert pod.own_hints == []
    (container,) = [
        each for each in with_services(pod, default_table()).containers if each.role == "container"
    ]
    found = {each.name.lower(): each.pss_bytes for each in container.services}
    assert found.keys() == played.scene.sizes.keys()
    assert all(own_is(found[name], size) for name, size in played.scene.sizes.items())


CHECKS: dict[str, Callable[[Played], None]] = {
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
