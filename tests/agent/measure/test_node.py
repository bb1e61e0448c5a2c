import os
from pathlib import Path

import pytest

from memcollect_agent.measure.node import measure_node
from memcollect_agent.read.cgroupfs import CgroupFs
from memcollect_agent.read.procfs import ProcFs
from memcollect_agent.wire import Node
from worlds.agent_trees import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def measured(machine: Machine, name: str | None = None) -> Node:
    with ProcFs(machine.roots.proc) as proc:
        return measure_node(proc, CgroupFs(machine.roots.cgroup), machine.roots.sys, name)


def put(base: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(text)


def test_every_fact_lands_in_its_field(machine: Machine) -> None:
    put(
        machine.base,
        {
            "proc/sys/kernel/hostname": "node-1\n",
            "proc/sys/kernel/random/boot_id": "6d7c\n",
            "proc/sys/kernel/arch": "aarch64\n",
            "proc/version": "Linux version 6.1.0-18 (x) #1\n",
            "proc/stat": "cpu 1\nbtime 1795377000\n",
            "proc/meminfo": "MemTotal: 4 kB\n",
            "proc/vmstat": "oom_kill 3\npgfault 9\n",
            "proc/swaps": "Filename Type\n/dev/sdb partition\n",
            "proc/mounts": "cgroup2 /sys/fs/cgroup cgroup2 rw,memory_recursiveprot 0 0\n",
            "sys/devices/system/cpu/online": "0-3\n",
            "sys/devices/system/node/has_memory": "0-1\n",
            "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
            "sys/kernel/mm/lru_gen/enabled": "0x0007\n",
            "sys/kernel/mm/ksm/run": "1\n",
            "sys/module/zswap/parameters/enabled": "Y\n",
        },
    )
    assert measured(machine) == Node(
        name="node-1",
        kernel="6.1.0-18",
        architecture="aarch64",
        boot_id="6d7c",
        boot_time=1795377000,
        cpus=4,
        memory_nodes=2,
        page_size_bytes=os.sysconf("SC_PAGE_SIZE"),
        meminfo={"MemTotal": 4096},
        vmstat={"oom_kill": 3},
        swap_devices=1,
        cgroup_version="v2",
        cgroup_mount_options=["rw", "memory_recursiveprot"],
        transparent_hugepage="madvise",
        lru_gen=True,
        ksm_run=1,
        zswap_enabled=True,
    )


def test_what_is_not_there_is_unknown_with_the_reason(machine: Machine) -> None:
    node = measured(machine)
    assert (node.name, node.kernel, node.meminfo, node.ksm_run) == ("unknown", None, None, None)
    assert node.absent["meminfo"].startswith("there is no ")


def test_a_name_that_is_given_wins(machine: Machine) -> None:
    node = measured(machine, "worker-9")
    assert node.name == "worker-9"
    assert "name" not in node.absent


def test_garbage_spoils_only_its_own_fact(machine: Machine) -> None:
    put(machine.base, {"proc/meminfo": "\0\n", "proc/vmstat": "oom_kill 3\n"})
    node = measured(machine)
    assert node.meminfo is None
    assert "NUL" in node.absent["meminfo"]
    assert node.vmstat == {"oom_kill": 3}


def test_no_cgroup_mount_in_sight_is_told(machine: Machine) -> None:
    put(machine.base, {"proc/mounts": "proc /proc proc rw 0 0\n"})
    node = measured(machine)
    assert node.cgroup_mount_options == []
    assert "no cgroup2 mount" in node.absent["cgroup_mount_options"]
