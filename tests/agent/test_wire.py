"""What schema version 1 put on the wire must be understood for ever: the files are never written anew."""

from pathlib import Path

import msgspec
import pytest

from memcollect_agent.wire import NodeSample, SampleRequest

SAMPLES = Path(__file__).parents[1] / "wire_samples"
POD = "476ef1fb-90cb-446a-989f-e9a1ed217abf"


def decoded(name: str) -> NodeSample:
    data = (SAMPLES / name).read_bytes()
    if name.endswith(".json"):
        return msgspec.json.decode(data, type=NodeSample)
    return msgspec.msgpack.decode(data, type=NodeSample)


@pytest.mark.parametrize("name", ["v1.json", "v1.msgpack"])
def test_version_1_is_understood(name: str) -> None:
    sample = decoded(name)
    assert (sample.schema_version, sample.agent_version) == (1, "0.1.0")
    assert (sample.sampled_at, sample.finished_at) == (1795377204.5, 1795377204.75)
    node = sample.node
    assert (node.name, node.kernel, node.cpus, node.swap_devices) == ("uml-node-1", "7.2.7", 1, 0)
    assert (node.page_size_bytes, node.cgroup_version) == (4096, "v2")
    assert node.meminfo is not None
    assert node.meminfo["MemTotal"] == 6316257280
    assert node.absent == {"ksm_run": "there is no /sys/kernel/mm/ksm/run"}
    (pod,) = sample.pods
    assert (pod.kind, pod.uid, pod.qos_class, pod.driver) == ("pod", POD, "Burstable", "systemd")
    assert (pod.cgroup.current_bytes, pod.cgroup.max_bytes) == (142561280, "max")
    assert pod.own_sums.listed == 0
    (container,) = pod.containers
    assert (container.runtime, container.role) == ("cri-containerd", "container")
    cgroup = container.cgroup
    assert (cgroup.inode, cgroup.current_bytes, cgroup.current_again_bytes) == (4123, 112590848, 112594944)
    assert (cgroup.peak_bytes, cgroup.max_bytes, cgroup.oom_group) == (112599040, 268435456, True)
    assert cgroup.stat == {"anon": 8192000, "file": 104000000, "inactive_file": 0}
    assert cgroup.pressure is not None
    assert (cgroup.pressure["some"].avg10, cgroup.pressure["some"].total) == (0.5, 123456)
    assert (cgroup.swap.current_bytes, cgroup.swap.max_bytes) == (4096, "max")
    assert (cgroup.zswap.current_bytes, cgroup.hugetlb) == (1024, {"2MB": 2097152})
    assert (cgroup.descendants, cgroup.absent) == ({"nr_dying_descendants": 1}, {"memory.peak": "example"})
    sums = container.sums
    assert (sums.listed, sums.read, sums.vanished, sums.zombies, sums.kernel_threads) == (3, 1, 1, 0, 0)
    assert (sums.pss_bytes, sums.lazyfree_bytes, sums.page_tables_bytes) == (8192000, 0, None)
    (skipped,) = sums.skipped
    assert (skipped.pid, skipped.reason, skipped.rss_bytes) == (77, "denied", 4096)
    (process,) = container.processes
    assert (process.pid, process.ppid, process.start_time) == (2098, 1846, 1795377041.25)
    assert (process.comm, process.command, process.exe) == (
        "python3",
        "python3 -m http.server",
        "/bin/python3",
    )
    assert process.smaps_rollup == {"Referenced": 8192000}
    (problem,) = sample.problems
    assert (problem.kind, problem.reason) == ("pod", "not-found")
    assert sample.cost is not None
    assert sample.cost.cpu_seconds == 0.01


def test_both_encodings_say_the_same() -> None:
    assert decoded("v1.json") == decoded("v1.msgpack")


def test_fields_of_tomorrow_are_passed_over() -> None:
    text = (SAMPLES / "v1.json").read_text()
    newer = text.replace('{"schema_version"', '{"of_tomorrow":{"a":[1]},"schema_version"', 1)
    assert newer != text
    assert msgspec.json.decode(newer, type=NodeSample) == decoded("v1.json")


def test_a_misspelt_request_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="proces_limit"):
        msgspec.json.decode(b'{"proces_limit":3}', type=SampleRequest)


def test_unknown_and_zero_differ_on_the_wire() -> None:
    sums = decoded("v1.json").pods[0].containers[0].sums
    assert b'"lazyfree_bytes":0' in msgspec.json.encode(sums)
    assert b"page_tables_bytes" not in msgspec.json.encode(sums)
