"""The clusters of the commands' own tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from worlds.live_cluster import NODE_6, NODE_7, LiveCluster, real_agents


@pytest.fixture(scope="session")
def agents() -> Iterator[dict[str, int]]:
    with real_agents() as ports:
        yield ports


@pytest.fixture
def live(agents: dict[str, int], tmp_path: Path) -> Iterator[LiveCluster]:
    with LiveCluster(tmp_path) as cluster:
        for node in (NODE_7, NODE_6):
            cluster.add_node(node, agents[node])
        yield cluster
