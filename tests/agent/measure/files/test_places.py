import os

import pytest

from memcollect_agent.measure.files import places
from memcollect_agent.parse.mountinfo import MountPoint, parse

KUBELET = "/var/lib/kubelet/pods/476ef1fb/"


def mount(line: str) -> MountPoint:
    (only,) = parse(f"{line}\n".encode())
    return only


ROOT = mount("1 0 0:50 / / rw - overlay overlay rw,lowerdir=/l/2:/l/1,upperdir=/u")


@pytest.mark.parametrize(
    ("root", "volume"),
    [
        ("volumes/kubernetes.io~empty-dir/cache", places.Volume("cache", "empty-dir")),
        ("volumes/kubernetes.io~csi/pvc-1/mount", places.Volume("pvc-1", "csi")),
        ("volume-subpaths/data/app/0", places.Volume("data", "")),
        ("etc-hosts", places.Volume()),
    ],
)
def test_a_volume_is_told_by_the_kubelets_paths(root: str, volume: places.Volume) -> None:
    assert places.volume_of(mount(f"2 1 8:1 {KUBELET}{root} /data rw - ext4 /dev/sda rw"), {}) == volume


def test_a_volume_in_memory_is_told_by_where_the_host_has_it() -> None:
    host = mount(f"9 1 0:77 / {KUBELET}volumes/kubernetes.io~empty-dir/scratch rw - tmpfs tmpfs rw")
    inside = mount("2 1 0:77 / /scratch rw - tmpfs tmpfs rw")
    assert places.volume_of(inside, {host.device: host}) == places.Volume("scratch", "empty-dir")
    assert places.volume_of(inside, {}) == places.Volume()


def test_an_overlays_layers_come_upper_first_with_colons_of_names_kept() -> None:
    told = r"1 0 0:50 / / rw - overlay overlay rw,lowerdir=/l/a\\:b:/l/1,upperdir=/u".replace("\\\\", "\\134")
    assert list(places.layers(mount(told))) == [("writable", "/u"), ("image", "/l/a:b"), ("image", "/l/1")]
    since_6_8 = mount("1 0 0:50 / / rw - overlay overlay rw,lowerdir+=/l/2,lowerdir+=/l/1")
    assert list(places.layers(since_6_8)) == [("image", "/l/2"), ("image", "/l/1")]


@pytest.mark.parametrize("kind", ["fuse.sshfs", "nfs4", "9p", "virtiofs", "ceph", "cifs"])
def test_what_may_hang_is_neither_walked_nor_passed_through(kind: str) -> None:
    hanging = mount(f"2 1 0:60 / /mnt rw - {kind} x rw")
    below = mount("3 2 0:61 / /mnt/inner rw - tmpfs tmpfs rw")
    beside = mount("4 1 0:62 / /mnt2 rw - tmpfs tmpfs rw")
    mounts = [ROOT, hanging, below, beside]
    assert places.is_files(hanging)
    assert not places.is_walked(hanging)
    assert not places.is_reached_safely(below, mounts)
    assert places.is_reached_safely(beside, mounts)


def test_the_mount_of_an_open_file_is_told_without_asking_its_file_system() -> None:
    first, second = os.memfd_create("a"), os.memfd_create("b")
    root = os.open("/", os.O_PATH)
    assert places.mount_id(first) is not None
    assert places.mount_id(first) == places.mount_id(second) != places.mount_id(root)
    for fd in (first, second, root):
        os.close(fd)
