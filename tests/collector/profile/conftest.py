"""A stand-in cluster, and what a run asks it with; a bundle to record in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from memcollect.documents.bundle import BundleWriter
from memcollect.documents.run import Planned, RunManifest
from memcollect.profile.record import Record
from memcollect.profile.tools import Tools, Workshop
from memcollect.sources import kube_config
from memcollect.sources.api import Patience
from memcollect.testing import Cluster, StandInCluster

RUN = "0123456789"


@pytest.fixture
def state() -> Cluster:
    return Cluster()


@pytest.fixture
def workshop(state: Cluster, tmp_path: Path) -> Iterator[Workshop]:
    with StandInCluster(state) as server:
        cluster = kube_config.connect(str(server.kubeconfig(tmp_path / "kubeconfig")))
        yield Workshop(cluster, Patience(timeout=60.0, total=60.0, tries=1), 8)


@pytest.fixture
def tools(workshop: Workshop) -> Iterator[Tools]:
    made = workshop.tools()
    yield made
    made.close()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where the bundle is."""
    return tmp_path / "run"


@pytest.fixture
def record(directory: Path) -> Record:
    plan = Planned(name="small", sha256="0" * 64)
    return Record(BundleWriter.create(directory), RunManifest(run_id=RUN, plan=plan))
