"""The names people gave to containers, from the files in which their runtimes keep them.

    docker      DATA/containers/ID/config.v2.json: "ID", "Name": "/web"; DATA is /var/lib/docker, or data-root
                of /etc/docker/daemon.json; ~/.local/share/docker without root
    podman      STORAGE/overlay-containers/containers.json: [{"id": …, "names": ["web"]}, …], and beside it or
    and CRI-O   in the runtime directory volatile-containers.json; STORAGE is /var/lib/containers/storage, or
                ~/.local/share/containers/storage without root
    nerdctl     /var/lib/nerdctl/HASH/names/NAMESPACE/NAME holds the id

(moby's container/container.go; containers/storage's containers.go; nerdctl's pkg/namestore.) Nothing is
run and nothing written. Whatever is read may be anybody's: no link is followed below a store, only regular
files of some size are read, and a name that no runtime would have accepted is passed over. A name from a
user's own store is believed of containers in that user's own slice alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import msgspec
from msgspec import Struct, field

from memcollect_agent.errors import AgentError
from memcollect_agent.read import files

MAX_ENTRIES = 10_000
MAX_BYTES = 16 << 20
"""Of one file: podman keeps all of its containers in one."""
SUBSTORES = ("overlay-containers", "vfs-containers", "btrfs-containers", "zfs-containers")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,252}")
_ID = re.compile(r"[0-9a-f]{64}")
_OF_CRIO = re.compile(r"k8s_([^_]+)_[^_]+_[^_]+_[^_]+_\d+")
_SLICE = re.compile(r"/user\.slice/user-(\d{1,10})\.slice/")


class _DockersConfig(Struct):
    name: str = field(default="", name="Name")


class _Stored(Struct):
    id: str = ""
    names: list[str] | None = None


class _DockersDaemon(Struct):
    data_root: str = field(default="", name="data-root")


_DOCKER = msgspec.json.Decoder(_DockersConfig)
_STORE = msgspec.json.Decoder(list[_Stored])
_DAEMON = msgspec.json.Decoder(_DockersDaemon)


@dataclass(frozen=True)
class _Store:
    """A directory to look into, and below which of the host's directories no link is followed."""

    root: str
    path: str


def names_from_runtimes(ids: dict[str, str], host_root: str = "/") -> dict[str, str]:
    """Return names by container id, for `ids`, which maps each to the path of its cgroup.

    `host_root` is where the machine's root directory is. What cannot be read gives no name.
    """
    wanted = {id_: path for id_, path in ids.items() if _ID.fullmatch(id_)}
    if not wanted:
        return {}
    host = host_root.rstrip("/")
    names: dict[str, str] = {}
    for uid, home in _homes(host, {_user(path) for path in wanted.values()}):
        own = {id_ for id_, path in wanted.items() if _user(path) == uid}
        names |= _named_in(_Store(f"{host}{home}", ".local/share"), own)
        names |= _podmans(_Store(f"{host}/run/user/{uid}", "containers"), own)
    # The machine's own stores win: they are root's.
    names |= _named_in(_Store(f"{host}/var/lib", ""), set(wanted))
    names |= _podmans(_Store(f"{host}/run", "containers/storage"), set(wanted))
    if root := _data_root(host):
        names |= _dockers(_Store(f"{host}{root}", ""), set(wanted))
    return names | _nerdctls(_Store(f"{host}/var/lib", "nerdctl"), set(wanted))


def _named_in(store: _Store, ids: set[str]) -> dict[str, str]:
    docker = _Store(store.root, f"{store.path}/docker")
    podman = _Store(store.root, f"{store.path}/containers/storage")
    return _dockers(docker, ids) | _podmans(podman, ids)


def _dockers(store: _Store, ids: set[str]) -> dict[str, str]:
    names = {}
    for id_ in ids:
        text = _read(_Store(store.root, f"{store.path}/containers/{id_}"), "config.v2.json")
        try:
            name = _DOCKER.decode(text).name.removeprefix("/") if text else ""
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
        if _NAME.fullmatch(name):
            names[id_] = name
    return names


def _podmans(store: _Store, ids: set[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for substore in SUBSTORES:
        for file in ("containers.json", "volatile-containers.json"):
            text = _read(_Store(store.root, f"{store.path}/{substore}"), file)
            try:
                stored = _STORE.decode(text) if text else []
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                continue
            for each in stored:
                name = next(iter(each.names or ()), "")
                if each.id in ids and _NAME.fullmatch(name):
                    names[each.id] = _shortened(name)
    return names


def _shortened(name: str) -> str:
    """Return the container's own name where CRI-O put pod and namespace around it."""
    match = _OF_CRIO.fullmatch(name)
    return match[1] if match else name


def _nerdctls(store: _Store, ids: set[str]) -> dict[str, str]:
    names = {}
    for hash_ in _entries(store):
        spaces = _Store(store.root, f"{store.path}/{hash_}/names")
        for space in _entries(spaces):
            place = _Store(store.root, f"{spaces.path}/{space}")
            for name in _entries(place):
                id_ = (_read(place, name) or b"").decode(errors="replace").strip()
                if id_ in ids and _NAME.fullmatch(name):
                    names[id_] = name
    return names


def _data_root(host: str) -> str:
    text = _read(_Store(f"{host}/etc", "docker"), "daemon.json")
    try:
        root = _DAEMON.decode(text).data_root if text else ""
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    return root.rstrip("/") if root.startswith("/") else ""


def _user(path: str) -> int | None:
    match = _SLICE.match(path)
    return int(match[1]) if match else None


def _homes(host: str, uids: set[int | None]) -> Iterator[tuple[int, str]]:
    """Yield the home of each user among `uids`, as the machine's own list of users says (passwd(5))."""
    lines = (_read(_Store(f"{host}/etc", ""), "passwd") or b"").decode(errors="replace").splitlines()
    for line in lines:
        fields = line.split(":")
        if len(fields) == 7 and fields[2].isascii() and fields[2].isdigit() and fields[5].startswith("/"):
            uid = int(fields[2])
            if uid in uids:
                yield uid, fields[5].rstrip("/")


def _entries(store: _Store) -> list[str]:
    descriptor = _open(store)
    if descriptor is None:
        return []
    try:
        with os.scandir(descriptor) as entries:
            return sorted(entry.name for entry in islice(entries, MAX_ENTRIES))
    except OSError:
        return []
    finally:
        os.close(descriptor)


def _read(store: _Store, name: str) -> bytes | None:
    descriptor = _open(store)
    if descriptor is None:
        return None
    try:
        return files.read_file(name, descriptor, name, limit=MAX_BYTES)
    except AgentError:
        return None
    finally:
        os.close(descriptor)


def _open(store: _Store) -> int | None:
    """Return a descriptor of the store's directory, opened part by part without following a link."""
    try:
        descriptor = files.open_root(store.root)
    except AgentError:
        return None
    for part in filter(None, store.path.split("/")):
        try:
            below = files.open_directory(part, descriptor, part)
        except AgentError:
            return None
        finally:
            os.close(descriptor)
        descriptor = below
    return descriptor
