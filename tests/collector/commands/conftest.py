"""Recorded nodes with the real agent, served by the stand-in API server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from worlds.live_cluster import NODE_6, NODE_7, LiveCluster, real_agents


@pytest.fixture(scope="session")
def agents() -> Iterator[dict[str, int]]:
    """The ports of the two nodes' agents, which run for all tests."""
    with real_agents() as ports:
        yield ports


@pytest.fixture
def live(agents: dict[str, int], tmp_path: Path) -> Iterator[LiveCluster]:
    """Two nodes, each with its agent."""
    with LiveCluster(tmp_path) as cluster:
        for node in (NODE_7, NODE_6):
            cluster.add_node(node, agents[node])
        yield cluster
