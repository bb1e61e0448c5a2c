"""What the guest's image is made of: Debian's packages and a few files of configuration.

Everything here is part of the key under which a built image is kept.
"""

import hashlib

import msgspec
from msgspec import Struct

from memcollect.lab.errors import LabError
from memcollect.lab.matrix import MATRIX, Boot

_SUITES = {row.version: row.suite for row in MATRIX if row.boot is Boot.MACHINE}
VERSIONS = tuple(_SUITES)
"""The kernels; the first is the one that is booted where none is named."""
BASE = _SUITES[VERSIONS[0]]
"""The suite of everything but a newer kernel; unlike sid it does not move on."""
PYTHON = "python3.13"
"""The base's; its name is part of a path."""
SOURCES = "/opt/memcollect"
"""Where this project's programs are put after the boot."""
READY = "memcollect-lab: ready"
"""What the guest says on its console when it can be logged in to."""
DISKS = {"data": "/run/data", "xfs": "/run/xfs", "small": "/run/small", "swap": ""}
"""Empty disks beside the root, in the order of /dev/vdb and on, and where each is mounted."""

_PACKAGES = [
    *("systemd", "systemd-sysv", "systemd-container", "dbus", "dbus-user-session", "libpam-systemd", "udev"),
    *("openssh-server", "initramfs-tools", "zstd", "kmod", "iproute2", "iptables", "procps"),
    *("e2fsprogs", "xfsprogs", "busybox-static", "uidmap", "ca-certificates"),
    *("docker.io", "docker-cli", "podman", "netavark", "containerd", "runc", "crun", "lxc", "runsc"),
    *("slirp4netns", "passt", "fuse-overlayfs"),
    *("python3", "python3-msgspec", "python3-waitress", "python3-click", "python3-rich", "python3-yaml"),
    *("python3-kubernetes", "python3-urllib3", "python3-psutil"),
]
_OF_THE_BASE = [f"initramfs-tools-{part}/{BASE}" for part in ("core", "bin")]
"""Named beside a kernel of another suite: apt takes what that depends on from its suite, too, and sid's core
does not go with the base's initramfs-tools."""

_WRAPPER = '#!/bin/sh\nexec python3 -m {module} "$@"\n'

_FILES = {
    "etc/hostname": "memcollect-lab\n",
    "etc/hosts": "127.0.0.1 localhost memcollect-lab\n",
    "etc/fstab": "/dev/vda / ext4 noatime 0 0\n",
    "etc/modules-load.d/lab.conf": "overlay\nbr_netfilter\nveth\nlz4\nlz4_compress\n",
    "etc/sysctl.d/lab.conf": "kernel.perf_event_paranoid = -1\nkernel.printk = 4 4 1 7\n",
    "etc/systemd/journald.conf.d/lab.conf": "[Journal]\nStorage=volatile\nRuntimeMaxUse=16M\n",
    "etc/systemd/network/lab.network": (
        "[Match]\nName=eth0\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\nLinkLocalAddressing=no\n"
    ),
    "etc/ssh/sshd_config.d/lab.conf": "UseDNS no\nPermitUserEnvironment no\nMaxSessions 100\n",
    # Of the hundreds of drivers in a usual first root file system these are the ones that QEMU needs.
    "etc/initramfs-tools/conf.d/lab": "MODULES=list\nCOMPRESS=zstd\nRESUME=none\n",
    "usr/share/initramfs-tools/modules.d/lab": "virtio_pci\nvirtio_blk\next4\n",
    "etc/systemd/system/lab-ready.service": (
        "[Unit]\nAfter=ssh.service systemd-user-sessions.service systemd-networkd.service\n"
        f"[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo {READY} > /dev/ttyS0'\n"
        "[Install]\nWantedBy=multi-user.target\n"
    ),
    f"usr/local/lib/{PYTHON}/dist-packages/lab.pth": f"{SOURCES}\n",
    "usr/local/bin/memcollect": _WRAPPER.format(module="memcollect"),
    "usr/local/bin/memcollect-agent": _WRAPPER.format(module="memcollect_agent"),
}

_ENABLED = ("ssh.service", "systemd-networkd.service", "lab-ready.service")
_ON_DEMAND = (
    *("docker.service", "docker.socket", "containerd.service", "lxc.service", "lxc-net.service"),
    *("lxc-monitord.service", "podman.service", "podman.socket", "podman-auto-update.timer"),
    *("podman-restart.service", "podman-clean-transient.service"),
)
"""Each runtime is started by whoever needs it: under emulation a boot with all of them is long."""
_NEVER = (
    *("serial-getty@ttyS0.service", "getty@tty1.service", "systemd-networkd-wait-online.service"),
    *("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer"),
    *("fstrim.timer", "logrotate.timer", "man-db.timer"),
)

_COMMANDS = [
    "chmod 755 /usr/local/bin/memcollect /usr/local/bin/memcollect-agent",
    "chmod 700 /root/.ssh",
    "useradd --create-home --shell /bin/bash lab",
    f"systemctl enable {' '.join(_ENABLED)}",
    f"systemctl disable {' '.join(_ON_DEMAND)} || true",
    f"systemctl mask {' '.join(_NEVER)}",
]


class Recipe(Struct, frozen=True, kw_only=True):
    """All that decides what is in an image, except where Debian's archive is."""

    version: str
    """Of the kernel, e.g. "6.12"."""
    suites: list[str]
    """The base, then the kernel's where that is another."""
    packages: list[str]
    files: dict[str, str]
    """Path below / -> content; there before the packages are."""
    commands: list[str]
    """Run in the image when the packages are there, each by a shell."""
    size_bytes: int = 8 << 30
    """Of the root file system, sparse."""

    @property
    def key(self) -> str:
        """A name that changes with whatever the image is made of."""
        digest = hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()
        return f"{self.version}-{digest[:12]}"


def recipe(version: str) -> Recipe:
    """Return what an image with that kernel is made of; LabError for a kernel that is none of VERSIONS."""
    if version not in VERSIONS:
        raise LabError(
            f"the full lab has no kernel {version}.",
            f"It has {' and '.join(VERSIONS)}; try KERNEL={VERSIONS[0]}.",
        )
    suite = _SUITES[version]
    own = suite == BASE
    return Recipe(
        version=version,
        suites=[BASE] if own else [BASE, suite],
        packages=[
            *_PACKAGES,
            *(["linux-image-amd64"] if own else [f"linux-image-amd64/{suite}", *_OF_THE_BASE]),
        ],
        files=_FILES,
        commands=_COMMANDS,
    )
