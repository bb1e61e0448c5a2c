"""Where a process's files are: its mounts, and the real directories behind an overlay."""

import os
import re
from collections.abc import Iterator

from msgspec import Struct

from memcollect_agent.parse.mountinfo import MountPoint

DISKS = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs"})
SHMEM = frozenset({"tmpfs"})
_WALKED = DISKS | SHMEM
_KERNELS_OWN = frozenset(
    {
        *("proc", "sysfs", "devtmpfs", "devpts", "mqueue", "cgroup", "cgroup2", "hugetlbfs", "securityfs"),
        *("debugfs", "tracefs", "bpf", "pstore", "configfs", "efivarfs", "ramfs", "binfmt_misc", "nsfs"),
        *("rpc_pipefs", "fusectl", "selinuxfs", "autofs"),
    }
)
"""No files of anybody's on a disk; autofs is passed by, so that nothing is mounted by looking."""
_PASSED_THROUGH = (_WALKED | _KERNELS_OWN | {"overlay", "hostfs", "squashfs", "erofs", "iso9660"}) - {
    "autofs"
}
"""What a path may lead through on its way to a mount: nobody else's program answers there."""
_VOLUME = re.compile(r"/pods/[^/]+/volumes/kubernetes\.io~([^/]+)/([^/]+)")
_SUBPATH = re.compile(r"/pods/[^/]+/volume-subpaths/([^/]+)/")


class Volume(Struct, frozen=True):
    """A volume of the pod's spec, as the kubelet's paths name it."""

    name: str = ""
    kind: str = ""


def is_walked(mount: MountPoint) -> bool:
    """Return whether files of this mount may be looked for by name."""
    return mount.file_system in _WALKED


def walked_when(mount: MountPoint) -> int:
    """Return in which order mounts are walked: what is small and the pod's own before its image's layers."""
    if mount.target == "/":
        return 2
    return 0 if mount.file_system in SHMEM else 1


def is_files(mount: MountPoint) -> bool:
    """Return whether somebody's files are there at all."""
    return mount.file_system not in _KERNELS_OWN


def is_reached_safely(mount: MountPoint, mounts: list[MountPoint]) -> bool:
    """Return whether no path to it leads through a file system that may hang or that a program makes up."""
    return all(above.file_system in _PASSED_THROUGH for above in mounts if above.is_above(mount.target))


def volume_of(mount: MountPoint, host: dict[str, MountPoint]) -> Volume:
    """Return which volume is mounted there; a tmpfs is recognised by where the host has the same one."""
    same = host.get(mount.device)
    paths = [mount.root, *([same.target] if same and mount.file_system in SHMEM else [])]
    for path in paths:
        if found := _VOLUME.search(path + "/"):
            return Volume(found[2], found[1])
        if found := _SUBPATH.search(path + "/"):
            return Volume(found[1], "")
    return Volume()


def layers(mount: MountPoint) -> Iterator[tuple[str, str]]:
    r"""Yield (place, directory) of an overlay: "writable" and "image", the upper ones first.

    In lowerdir a colon of a name is written "\:" (Documentation/filesystems/overlayfs.rst); since 6.8 each
    may be an option of its own, "lowerdir+".
    """
    for name, value in mount.super_options:
        if name == "upperdir":
            yield "writable", _unescaped(value)
    for name, value in mount.super_options:
        if name == "lowerdir":
            yield from (("image", _unescaped(each)) for each in re.split(r"(?<!\\):", value) if each)
        elif name == "lowerdir+":
            yield "image", _unescaped(value)


def _unescaped(path: str) -> str:
    return re.sub(r"\\(.)", r"\1", path)


def mount_id(fd: int) -> int | None:
    """Return on which mount an open file of ours is (mnt_id of /proc/self/fdinfo)."""
    return mount_id_in(f"/proc/self/fdinfo/{fd}")


def mount_id_in(fdinfo: str) -> int | None:
    """Return what a fdinfo file says of the mount; None where it says nothing."""
    try:
        fd = os.open(fdinfo, os.O_RDONLY | os.O_CLOEXEC)
        try:
            found = re.search(rb"^mnt_id:\s*([0-9]{1,10})$", os.read(fd, 4096), re.MULTILINE)
        finally:
            os.close(fd)
    except OSError:
        return None
    return int(found[1]) if found else None
