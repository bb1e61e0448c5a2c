"""A run of the suite that is ended from outside, at a stand-in cluster whose pods never become ready."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from memcollect.testing import DAEMONSETS, NAMESPACES, PODS, Cluster, StandInCluster, objects
from worlds.children import Child
from worlds.real_kubectl import why_not
from worlds.waiting import wait_until

HERE = Path(__file__).parent
INTERRUPTED = 2
"""pytest's exit code."""


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "kubectl is there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted_deletes_what_it_made(number: signal.Signals, tmp_path: Path) -> None:
    state = Cluster()
    deployed = objects.daemon_set("memcollect", "memcollect-agent", desired=1, ready=1)
    state.put(DAEMONSETS, deployed)
    with StandInCluster(state) as server:
        environment = {**os.environ, "KUBECONFIG": str(server.kubeconfig(tmp_path / "config"))}
        words = ["-p", "no:cacheprovider", "-m", "cluster", "-q", str(HERE / "test_known.py")]
        with Child([sys.executable, "-m", "pytest", *words], env=environment, stdout=subprocess.PIPE) as run:
            wait_until(lambda: len(state.store.all(PODS)) == 1)
            assert len(_ours(state)) == 1
            run.send_signal(number)
            said, _ = run.communicate()
            assert run.returncode == INTERRUPTED, said
    assert _ours(state) == []
    assert state.store.all(PODS) == ()


def _ours(state: Cluster) -> list[str]:
    names = [each.decoded()["metadata"]["name"] for each in state.store.all(NAMESPACES)]
    return [each for each in names if each.startswith("memcollect-test-")]
