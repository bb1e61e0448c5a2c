import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memcollect.compare.values import (
    HEADLINE,
    RESIDUAL,
    TOTALS,
    WHOLE_POD,
    divided,
    mean,
    measured_pods,
    pod_values,
    repeat_values,
)
from memcollect.documents.snapshot import Pod
from worlds import compare_builders as build
from worlds.compare_builders import MIB


def _explained(*pods: Pod) -> list[Pod]:
    return build.snapshot(*pods).pods


@settings(derandomize=True)
@given(st.integers(0, 1 << 40), st.integers(0, 1 << 40), st.integers(0, 1 << 40))
def test_a_pods_terms_and_residual_are_its_working_set(anon: int, shmem: int, cache: int) -> None:
    (pod,) = _explained(build.pod(anon, shmem=shmem, cache=cache))
    values = pod_values(pod)
    assert sum(int(value) for name, value in values.items() if name not in TOTALS) == values[HEADLINE]
    assert values[HEADLINE] == anon + shmem + cache


def test_a_term_that_could_not_be_decided_is_a_reason_and_never_zero() -> None:
    pod = build.pod(MIB)
    (container,) = pod.containers
    assert container.cgroup is not None
    stat = {name: value for name, value in (container.cgroup.stat or {}).items() if name != "shmem"}
    cgroup = msgspec.structs.replace(container.cgroup, stat=stat)
    cut = msgspec.structs.replace(pod, containers=[msgspec.structs.replace(container, cgroup=cgroup)])
    (explained,) = _explained(cut)
    found = pod_values(explained)["shmem"]
    assert isinstance(found, str)
    assert "shmem" in found


def test_a_mean_over_pods_of_which_one_does_not_know_is_not_known() -> None:
    values = repeat_values(_explained(build.pod(MIB, "a"), build.pod(MIB, "b", top=None)))
    assert values["top"] == "kubectl top was not asked"
    assert values[HEADLINE] == MIB


def test_what_sits_in_the_pods_own_cgroup_counts_for_the_whole_pod_only() -> None:
    (pod,) = _explained(build.pod(10 * MIB, outside=5 * MIB))
    values = pod_values(pod)
    assert (values[HEADLINE], values[WHOLE_POD]) == (10 * MIB, 15 * MIB)


def test_a_pod_whose_own_cgroup_was_not_measured_says_so() -> None:
    (pod,) = _explained(build.pod(MIB, cgroup=None))
    assert pod_values(pod)[WHOLE_POD] == "the pod's own cgroup was not measured"


def test_a_pod_that_was_not_measured_has_no_values() -> None:
    pending = Pod(uid="u", name="p", unmeasured="pending")
    assert measured_pods([pending]) == []
    assert pod_values(pending) == {}


def test_the_residual_is_among_the_values() -> None:
    (pod,) = _explained(build.pod(MIB))
    assert pod_values(pod)[RESIDUAL] == 0


@pytest.mark.parametrize(("total", "count", "share"), [(10, 4, 3), (9, 4, 2), (-10, 4, -2), (0, 3, 0)])
def test_shares_are_rounded_to_the_nearest_byte_halves_upwards(total: int, count: int, share: int) -> None:
    assert divided(total, count) == share
    assert mean([total]) == total


def test_the_charge_holds_the_cache_that_no_working_set_counts() -> None:
    found = build.pod(100 * MIB)
    assert found.cgroup is not None
    cached = msgspec.structs.replace(
        found.cgroup,
        current_bytes=(found.cgroup.current_bytes or 0) + 64 * MIB,
        stat={**(found.cgroup.stat or {}), "inactive_file": 64 * MIB},
    )
    (explained,) = build.snapshot(msgspec.structs.replace(found, cgroup=cached)).pods
    values = pod_values(explained)
    assert (values["pod_working_set"], values["pod_charge"]) == (100 * MIB, 164 * MIB)
