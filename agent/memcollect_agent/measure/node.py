"""What of the machine the numbers depend on -> wire.Node. What cannot be read is None, with a reason."""

import os
from collections.abc import Callable
from typing import TypeVar

from memcollect_agent.errors import AgentError, GoneError
from memcollect_agent.read.cgroupfs import CgroupFs
from memcollect_agent.read.procfs import ProcFs, SysFs
from memcollect_agent.redact import visible
from memcollect_agent.wire import Node

_T = TypeVar("_T")


def measure_node(proc: ProcFs, cgroups: CgroupFs, sys_root: str, name: str | None = None) -> Node:
    """Return the node's facts. `name` wins over the host name that this process sees."""
    absent: dict[str, str] = {}

    def known(field: str, read: Callable[[], _T]) -> _T | None:
        try:
            return read()
        except GoneError as error:
            absent[field] = f"there is no {visible(error.path)}"
        except AgentError as error:
            absent[field] = visible(str(error))
        return None

    return Node(
        name=name or known("name", proc.hostname) or "unknown",
        kernel=known("kernel", proc.kernel_release),
        architecture=known("architecture", proc.architecture),
        boot_id=known("boot_id", proc.boot_id),
        boot_time=known("boot_time", proc.boot_time),
        cpus=known("cpus", lambda: _of_sys(sys_root, SysFs.online_cpus)),
        memory_nodes=known("memory_nodes", lambda: _of_sys(sys_root, SysFs.memory_nodes)),
        page_size_bytes=os.sysconf("SC_PAGE_SIZE"),
        meminfo=known("meminfo", proc.meminfo),
        vmstat=known("vmstat", proc.vmstat),
        swap_devices=known("swap_devices", proc.swap_devices),
        cgroup_version=known("cgroup_version", cgroups.version),
        cgroup_mount_options=known("cgroup_mount_options", lambda: _cgroup_options(proc)) or [],
        transparent_hugepage=known(
            "transparent_hugepage", lambda: _of_sys(sys_root, SysFs.transparent_hugepage)
        ),
        lru_gen=known("lru_gen", lambda: _of_sys(sys_root, SysFs.lru_gen)),
        ksm_run=known("ksm_run", lambda: _of_sys(sys_root, SysFs.ksm_run)),
        zswap_enabled=known("zswap_enabled", lambda: _of_sys(sys_root, SysFs.zswap_enabled)),
        absent=absent,
    )


def _of_sys(root: str, read: Callable[[SysFs], _T]) -> _T:
    with SysFs(root) as sys_fs:
        return read(sys_fs)


def _cgroup_options(proc: ProcFs) -> list[str]:
    # The options that matter (memory_recursiveprot, memory_hugetlb_accounting) belong to the one v2
    # hierarchy of the machine, so any mount of it shows them.
    for mount in proc.mounts():
        if mount.file_system == "cgroup2":
            return [visible(option) for option in mount.options]
    raise AgentError("no cgroup2 mount is visible from here")
