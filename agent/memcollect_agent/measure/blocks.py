"""How small the blocks of the file systems are that a process has mounted.

Where they are smaller than a page, the page cache keeps a record for each block (struct buffer_head), which
is charged as reclaimable kernel memory. ext2 to 4 have such records; XFS and btrfs do not. An overlay answers
for the file system that it writes to (fs/overlayfs/super.c, ovl_statfs).
"""

import os
from collections.abc import Mapping

from memcollect_agent.errors import AgentError
from memcollect_agent.measure.files import places
from memcollect_agent.parse.mountinfo import MountPoint
from memcollect_agent.read.openat2 import FROM_ROOT, PATH_ONLY, open_at
from memcollect_agent.read.procfs import ProcessDir, ProcFs

LEAST_BYTES = 1 << 20
"""Of reclaimable kernel memory in a cgroup, from which on its kind is worth a question."""
MOST_FILE_SYSTEMS = 32
_WITH_RECORDS = frozenset({"ext2", "ext3", "ext4", "overlay"})


def is_worth_asking(stat: Mapping[str, int] | None) -> bool:
    """Return whether a cgroup's memory.stat has enough reclaimable kernel memory."""
    return stat is not None and stat.get("slab_reclaimable", 0) >= LEAST_BYTES


def smallest_block_bytes(proc: ProcFs, pid: int) -> int | None:
    """Return it of what process `pid` has mounted; None where there is none, or it could not be looked at.

    Only disks' own file systems are asked, by a way that leads through nothing which could hang.
    """
    try:
        with proc.process(pid) as process:
            return _smallest(process)
    except (AgentError, OSError):
        return None


def _smallest(process: ProcessDir) -> int | None:
    mounts = process.mountinfo()
    asked: dict[str, MountPoint] = {}
    for mount in mounts:
        if mount.file_system in _WITH_RECORDS and places.is_reached_safely(mount, mounts):
            asked.setdefault(mount.device, mount)
    root = process.open_root()
    try:
        sizes = [_block_bytes(root, mount.target) for mount in list(asked.values())[:MOST_FILE_SYSTEMS]]
    finally:
        os.close(root)
    known = [size for size in sizes if size]
    return min(known) if known else None


def _block_bytes(root: int, target: str) -> int | None:
    try:
        fd = open_at(root, target, PATH_ONLY, FROM_ROOT)
    except AgentError:
        return None
    try:
        return os.fstatvfs(fd).f_bsize
    finally:
        os.close(fd)
