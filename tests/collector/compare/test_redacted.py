"""What the guard judges by stays told apart where names were replaced: no two become one word."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from memcollect.compare.cells import Group
from memcollect.compare.evidence import side_facts
from memcollect.compare.facts import Fact, Unknown
from memcollect.compare.inputs import Observation
from memcollect.compare.model import PhaseKey
from memcollect.documents.snapshot import Runtime, Snapshot, Top
from memcollect.redaction.snapshot import redacted_snapshot
from memcollect.redaction.words import Words
from worlds import compare_builders as build
from worlds.compare_builders import MIB

IMAGES = "registry.example/team/aio@sha256:"


def taken(node: dict[str, Any] | None = None, provider: str = "host-cgroup", **pod: Any) -> Snapshot:
    """Return a snapshot as real names make it."""
    top = Top(source="metrics.k8s.io", memory_bytes=MIB, provider=provider)
    held = {"image": IMAGES + "aa" * 32, "top": top, "container": "app-of-team", **pod}
    changed = {"boot_id": "6f931f8b-cb08-4ee4-85a4-c24dc4e9b4a1", **(node or {})}
    machine = msgspec.structs.replace(build.NODE, **changed)
    return build.snapshot(build.pod(100 * MIB, **held), node=machine)


def facts_of(snapshot: Snapshot) -> dict[str, Fact]:
    seen = Observation(source="a", phase=PhaseKey(name="empty"), repeat="1", snapshot=snapshot)
    return side_facts(Group("aio", PhaseKey(name="empty"), [seen]), [], [])


OTHERS: dict[str, Callable[[], Snapshot]] = {
    "architecture": lambda: taken({"architecture": "aarch64"}),
    "kernel": lambda: taken({"kernel": "6.1.0-tuned"}),
    "thp": lambda: taken({"transparent_hugepage": "always"}),
    "cgroup_version": lambda: taken({"cgroup_mount_options": ["memory_hugetlb_accounting"]}),
    "cluster": lambda: taken({"boot_id": "8f3a0c1e-7a4b-4a9d-9a77-1c2d3e4f5a6b"}),
    "namespaces": lambda: taken(namespace="team-b"),
    "image": lambda: taken(image=IMAGES + "ab" * 32),
    "runtime": lambda: taken(runtime=Runtime(family="gvisor")),
    "driver": lambda: taken(driver="cgroupfs"),
    "requests": lambda: taken(requests={"memory": "256Mi", "example.com/gpu": "1"}),
    "limits": lambda: taken(limits={"memory": "1Gi", "example.com/gpu": "1"}),
    "enforced": lambda: taken(held={"max_bytes": 512 * MIB}),
    "provider": lambda: taken(provider="kata-guest"),
}
UNTOUCHED = (
    "repeats pods spread ages swap ageing merging memory_total page_size cpus reclaimed elsewhere residual"
)


@pytest.mark.parametrize("fact", OTHERS)
def test_what_differs_still_does_and_what_is_alike_is_replaced_alike(fact: str) -> None:
    words = Words(b"k" * 32)
    before, same, other = (
        facts_of(redacted_snapshot(each, words)) for each in (taken(), taken(), OTHERS[fact]())
    )
    assert not isinstance(before[fact], Unknown)
    assert before == same
    assert before[fact] != other[fact]


def test_what_the_guard_computes_with_is_as_it_was() -> None:
    whole, redacted = facts_of(taken()), facts_of(redacted_snapshot(taken(), Words(b"k" * 32)))
    assert {name: redacted[name] for name in UNTOUCHED.split()} == {
        name: whole[name] for name in UNTOUCHED.split()
    }


def test_the_id_of_a_cluster_is_replaced_and_clusters_stay_told_apart() -> None:
    words, ids = (
        Words(b"k" * 32),
        ("8f3a0c1e-7a4b-4a9d-9a77-1c2d3e4f5a6b", "0c1e8f3a-7a4b-4a9d-9a77-1c2d3e4f5a6b"),
    )
    first, again, other = (
        redacted_snapshot(msgspec.structs.replace(taken(), cluster_uid=each), words).cluster_uid
        for each in (ids[0], *ids)
    )
    assert first == again != other
    assert {first, other}.isdisjoint(ids)


def test_two_documents_redacted_each_by_itself_are_of_nothing_in_common() -> None:
    one, two = (facts_of(redacted_snapshot(taken(), Words(key * 32))) for key in (b"k", b"l"))
    for fact in ("image", "cluster", "namespaces"):
        assert one[fact].isdisjoint(two[fact])
