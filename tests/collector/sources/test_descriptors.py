import resource

import pytest

from memcollect.sources.descriptors import most_workers


@pytest.mark.parametrize(
    ("limit", "workers"),
    [(256, 32), (1024, 160), (1 << 20, 160), (resource.RLIM_INFINITY, 160), (64, 1), (10, 1)],
)
def test_workers_are_bounded_by_select_and_by_the_process_limit(
    monkeypatch: pytest.MonkeyPatch, limit: int, workers: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (limit, limit))
    assert most_workers() == workers
