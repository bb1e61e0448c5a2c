import pytest

from memcollect.documents.snapshot import Pod, Runtime
from memcollect.explain.pools import pool_findings
from worlds.builders import MIB, cgroup, pod


def pooled(platform: str, peak: int | None = 900 * MIB, start: str | None = "2026-01-01T00:00:00Z") -> Pod:
    own = cgroup(peak_bytes=peak, current_read_at=1767225600.0 + 7200)
    return pod(runtime=Runtime(platforms=[platform]), cgroup=own, start_time=start)


def sentences(found: Pod) -> dict[str, str]:
    return {each.cause: each.sentence for each in pool_findings(found)}


@pytest.mark.parametrize("platform", ["opensandbox", "deer-flow", "agent-sandbox"])
def test_a_pod_that_may_be_used_again_tells_its_age_and_its_peak(platform: str) -> None:
    told = sentences(pooled(platform))["recycled"]
    assert "is 2 h old and held 900 MiB at its most" in told


def test_a_peak_or_a_start_that_is_not_known_is_said_to_be() -> None:
    told = sentences(pooled("opensandbox", None, None))["recycled"]
    assert "is of unknown age and held an unknown amount" in told
    assert "keeps no memory.peak" in told


def test_a_parked_sandbox_looks_like_an_active_one() -> None:
    assert "look alike" in sentences(pooled("deer-flow"))["warm_pool"]


def test_a_suspended_sandbox_has_no_pod() -> None:
    assert "by deleting its pod" in sentences(pooled("agent-sandbox"))["suspends_by_deletion"]


def test_a_pod_of_no_platform_is_told_nothing() -> None:
    assert sentences(pooled("e2b")) == {}
