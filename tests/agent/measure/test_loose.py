"""Containers outside of every pod belong to the pod whose process is the parent of their first."""

from pathlib import Path

from memcollect_agent.measure.sample import sample_node
from memcollect_agent.wire import SampleRequest
from worlds.agent_trees import Machine, pid_stat

UID = "476ef1fb-90cb-446a-989f-e9a1ed217abf"
ID, DOCKERS, FOREIGN = "c7" * 32, "d8" * 32, "e9" * 32


def test_only_what_a_pods_process_started_is_that_pods(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.cgroup(f"/kubepods/pod{UID}")
    machine.cgroup(f"/kubepods/pod{UID}/{ID}", (10,))
    machine.cgroup(f"/docker/{DOCKERS}", (20, 21), current=7 << 20)
    machine.cgroup(f"/docker/{FOREIGN}", (30,))
    machine.process(10)
    machine.process(20, pid_stat(20, ppid=10))
    machine.process(21, pid_stat(21, ppid=20))
    machine.process(30, pid_stat(30, ppid=1))
    (pod,) = sample_node(SampleRequest(pod_uids=[UID], process_limit=5), machine.roots).pods
    (started,) = pod.outside
    assert (started.role, started.id, started.cgroup.current_bytes) == ("started", DOCKERS, 7 << 20)
    assert (started.sums.read, pod.containers[0].sums.read) == (2, 1)
