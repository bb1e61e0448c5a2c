"""A stand-in cluster to ask, and the API client that asks it, with no real waiting."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from memcollect.documents.snapshot import Missing
from memcollect.sources import kube_config
from memcollect.sources.api import Api, Patience
from memcollect.testing import Cluster, StandInCluster

FIXTURES = Path(__file__).parents[2] / "fixtures" / "kubernetes-1.36"


@pytest.fixture
def recorded() -> Path:
    return FIXTURES


@pytest.fixture
def state() -> Cluster:
    return Cluster()


@pytest.fixture
def server(state: Cluster) -> Iterator[StandInCluster]:
    with StandInCluster(state) as server:
        yield server


@pytest.fixture
def cluster(server: StandInCluster, tmp_path: Path) -> kube_config.Cluster:
    return kube_config.connect(str(server.kubeconfig(tmp_path / "config")))


@pytest.fixture
def pauses() -> list[float]:
    """The seconds that were waited between tries."""
    return []


@pytest.fixture
def api(cluster: kube_config.Cluster, pauses: list[float]) -> Iterator[Api]:
    with Api(cluster, Patience(timeout=1.0, total=60.0), pauses.append) as api:
        yield api


@pytest.fixture
def told() -> list[Missing]:
    """Where the sources report to: pass `told.append`."""
    return []
