"""A whole agent beside a kernel's file whose read does not come back: the rest of the node is measured on."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from memcollect_agent.wire import History, NodeSample
from worlds import children
from worlds.agent_trees import Machine
from worlds.hanging_files import ByKernel, ByPipes, Holding
from worlds.metrics_stage import scrape
from worlds.pod_tree import container_id, uid
from worlds.served_agents import ask
from worlds.tcp_agents import refusing_port
from worlds.waiting import wait_until

HELD, OTHER = uid(1), uid(2)


@pytest.fixture(params=["pipes", "kernel"])
def holding(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Holding]:
    made: Holding = ByPipes(tmp_path / "pipes") if request.param == "pipes" else ByKernel()
    yield made
    made.let_go()


class Agent:
    """Pods 1 and 2, each with one container of one process, and what the agent says of them."""

    def __init__(self, machine: Machine) -> None:
        self.port, self.health_port, self.metrics_port = (refusing_port() for _ in range(3))
        for number in (1, 2):
            self.pod(machine, number)
            machine.process(number + 100)

    @staticmethod
    def pod(machine: Machine, number: int) -> None:
        path = f"/kubepods/burstable/pod{uid(number)}"
        machine.cgroup(path)
        machine.cgroup(f"{path}/{container_id(number)}", (number + 100,))

    def words(self, machine: Machine) -> list[str]:
        roots = machine.roots
        ports = {"": self.port, "health-": self.health_port, "metrics-": self.metrics_port}
        listen = [f"--{name}listen=127.0.0.1:{port}" for name, port in ports.items()]
        trees = ["--proc", roots.proc, "--cgroup", roots.cgroup, "--sys", roots.sys]
        return ["serve", *trees, *listen, "--history-interval", "0.5", "--metrics-pss-interval", "10"]

    def health(self, port: int) -> str:
        return ask(port, "/healthz", b"", "GET", Content_Type=None).text

    def is_there(self) -> bool:
        try:
            return self.health(self.port) == "ok\n"
        except OSError:
            return False

    def sample(self) -> NodeSample:
        reply = ask(self.port, body=b'{"history": true}', Accept="application/json")
        assert reply.status == 200, reply.text
        return msgspec.json.decode(reply.body, type=NodeSample)

    def passes(self) -> float:
        """Return how many passes over all PSS have succeeded."""
        page = scrape(self.metrics_port).text
        assert 'memcollect_agent_measurement_failures_total{activity="pss"} 0.0' in page
        return float(page.partition('memcollect_agent_measurements_total{activity="pss"} ')[2].split()[0])

    def points_after(self, pod: str, moment: float) -> int:
        """Return how many points of the pod have its charge's parts and are younger."""
        reply = ask(self.port, "/v1/history", Accept="application/json")
        cgroups = msgspec.json.decode(reply.body, type=History).cgroups
        found = next((each for each in cgroups if each.pod_uid == pod and each.is_pod), None)
        if found is None:
            return 0
        anon = found.stat.get("anon", [None] * len(found.times))
        return sum(at > moment and value is not None for at, value in zip(found.times, anon, strict=True))


def test_a_pods_file_hangs_and_comes_back(holding: Holding, tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    agent = Agent(machine)
    held = machine.top / f"kubepods/burstable/pod{HELD}/memory.stat"
    with children.Child(
        [*holding.program, *agent.words(machine)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as process:
        wait_until(lambda: agent.is_there() and all(agent.points_after(pod, 0) for pod in (HELD, OTHER)))
        holding.hold(held)
        wait_until(
            lambda: agent.health(agent.port).startswith(f"ok, but a read of {held} has not come back for ")
        )
        assert agent.health(agent.health_port) == "ok\n"
        begun = time.time()
        wait_until(lambda: agent.points_after(OTHER, begun) >= 3)
        assert agent.points_after(HELD, begun) == 0
        sample = agent.sample()
        by_uid = {pod.uid: pod for pod in sample.pods}
        assert by_uid[OTHER].cgroup.stat
        assert by_uid[OTHER].containers[0].sums.read == 1
        assert "a read of it has not come back" in by_uid[HELD].cgroup.absent["memory.stat"]
        (problem,) = [each for each in sample.problems if each.kind == "pod"]
        assert (problem.name, problem.reason) == (by_uid[HELD].cgroup.path, "unreadable")
        assert problem.detail.startswith(f"{held}: a read of it has not come back for ")
        assert by_uid[HELD].containers[0].sums.read == 1
        assert sample.history is not None
        assert any(HELD in each.name and "memory.stat" in each.detail for each in sample.history.problems)
        page = scrape(agent.metrics_port).text
        assert f'memcollect_pod_working_set_bytes{{pod_uid="{OTHER}"' in page
        assert f'memcollect_pod_working_set_bytes{{pod_uid="{HELD}"' not in page
        passes = agent.passes()
        wait_until(lambda: agent.passes() > passes)
        holding.let_go()
        wait_until(lambda: agent.health(agent.port) == "ok\n")
        back = time.time()
        wait_until(lambda: agent.points_after(HELD, back) >= 2)
        assert all(pod.cgroup.stat for pod in agent.sample().pods)
        process.terminate()
        _, said = process.communicate()
    assert process.returncode == 0
    assert f"a read of {held} has not come back for " in said
    assert f"a read of {held} came back after " in said
    assert "Traceback" not in said


def test_of_a_process_whose_memory_map_hangs_the_rss_is_told(tmp_path: Path) -> None:
    holding, machine = ByPipes(tmp_path / "pipes"), Machine(tmp_path)
    agent = Agent(machine)
    with children.Child([*holding.program, *agent.words(machine)], stderr=subprocess.DEVNULL):
        wait_until(agent.is_there)
        holding.hold(machine.base / "proc/101/smaps_rollup")
        wait_until(lambda: "/proc/101/smaps_rollup has not come back" in agent.health(agent.port))
        by_uid = {pod.uid: pod.containers[0].sums for pod in agent.sample().pods}
        assert (by_uid[OTHER].read, by_uid[HELD].read) == (1, 0)
        (skipped,) = by_uid[HELD].skipped
        assert (skipped.pid, skipped.reason, skipped.rss_bytes) == (101, "unreadable", 4 << 20)
        assert "has not come back" in skipped.detail
        holding.let_go()
        wait_until(lambda: agent.health(agent.port) == "ok\n")
        assert [pod.containers[0].sums.read for pod in agent.sample().pods] == [1, 1]
