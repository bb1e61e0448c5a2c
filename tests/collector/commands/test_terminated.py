"""SIGTERM, which ends a job, and SIGHUP, which ends a terminal: no half file and no certificate is left."""

import signal
import subprocess
from pathlib import Path

import pytest

from memcollect.testing import StandInCluster
from worlds import children
from worlds.live_cluster import NODE_7, LiveCluster, command_of, environment
from worlds.tcp_agents import hanging, listening
from worlds.waiting import wait_until


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_snapshot_that_is_told_to_end_leaves_nothing_behind(
    live: LiveCluster, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """The cluster's client has a file for the authority of a kubeconfig, as it has for a private key."""
    temporary, output = tmp_path / "temporary", tmp_path / "output"
    temporary.mkdir()
    output.mkdir()
    asked = ["snapshot", "-n", "deer-flow", "--format", "json", "-o", str(output / "s.json")]
    with listening(hanging) as port, StandInCluster(live.state, https=True) as secure:
        live.reach(NODE_7, port)
        asked += ["--kubeconfig", str(secure.kubeconfig(tmp_path / "secure"))]
        with children.Child(
            command_of(asked), env=environment(TMPDIR=str(temporary)), stderr=subprocess.PIPE
        ) as process:
            wait_until(lambda: list(output.iterdir()) != [])
            assert list(temporary.iterdir()) != []
            process.send_signal(number)
            _, error = process.communicate()
    assert (process.returncode, error) == (code, f"memcollect: ended by {number.name}.\n")
    assert not [*output.iterdir(), *temporary.iterdir()]
