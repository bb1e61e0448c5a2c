"""Exec of the stand-in, as the real kubectl asks for it: it offers v5 before v4, and closes stdin."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from memcollect.testing import PODS, Cluster, ExecRefusedError, StandInCluster, objects
from worlds import children
from worlds.real_kubectl import kubectl_path, why_not

KUBECTL = kubectl_path()
pytestmark = pytest.mark.skipif(KUBECTL is None, reason=why_not())
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(server: StandInCluster, cluster: Cluster, tmp_path: Path) -> Run:
    cluster.put(PODS, objects.pod("team", "web", node="node-1", containers=("main", "side")))
    cluster.on_exec = lambda _pod, _container, command: command
    config = server.kubeconfig(tmp_path / "kubeconfig")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KUBECONFIG": str(config)}

    def kubectl_exec(*command: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
        flags = ["-i"] if stdin is not None else []
        arguments = [KUBECTL or "", "exec", *flags, "-n", "team", "web", "-c", "main", "--", *command]
        return children.run(arguments, env=environment, input=stdin)

    return kubectl_exec


def test_output_and_exit_code(run: Run) -> None:
    done = run("sh", "-c", "echo out; echo err >&2; exit 4")
    assert (done.returncode, done.stdout) == (4, "out\n")
    assert done.stderr.startswith("err\n")


def test_standard_input_and_its_end(run: Run) -> None:
    assert run("cat", stdin="a line\n").stdout == "a line\n"


def test_a_program_that_is_not_there(run: Run, cluster: Cluster) -> None:
    def refuse(*_: object) -> list[str]:
        raise ExecRefusedError("executable file not found in $PATH")

    cluster.on_exec = refuse
    done = run("node")
    assert done.returncode != 0
    assert "executable file not found in $PATH" in done.stderr


def test_without_the_right_nothing_is_run(run: Run, cluster: Cluster) -> None:
    cluster.access.deny("create", "pods/exec")
    done = run("true")
    assert done.returncode != 0
    assert 'cannot create resource "pods/exec"' in done.stderr
