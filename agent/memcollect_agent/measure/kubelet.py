"""When the node's kubelet evicts -> wire.Kubelet: from its own command line and configuration files.

The API server shows the kubelet's configuration to those alone who may use nodes/proxy, and so may run
commands in every pod; the files are there for whoever may look at the kubelet's root, as the agent may. It is
found by its service's cgroup and told by its program, neither of which a pod can choose, and of its files
only the lines that are needed are kept: others may be secret.

Sources: cmd/kubelet/app/server.go (flags override --config-dir, which overrides --config; of --config-dir
the *.conf files, in the order of their names).
"""

import os
import re

import msgspec

from memcollect_agent.errors import AgentError, ParseError, ReadError, read_error
from memcollect_agent.read import files
from memcollect_agent.read.cgroupfs import CgroupFs
from memcollect_agent.read.openat2 import FROM_ROOT, open_at
from memcollect_agent.read.procfs import ProcessDir, ProcFs
from memcollect_agent.redact import visible
from memcollect_agent.sandbox.kinds import program_name
from memcollect_agent.wire import Kubelet, KubeletFile

SERVICE = "kubelet.service"
FILE_LIMIT = 1 << 17
"""Bytes of one configuration file; they have some thousand."""
MOST_FILES = 16
_KEPT_LIMIT = 4096
_OPTION_LIMIT = 512
_MOST_PROCESSES = 16
OPTIONS = ("eviction-hard", "eviction-soft", "eviction-soft-grace-period")
_WANTED = ("evictionHard", "evictionSoft", "evictionSoftGracePeriod", "mergeDefaultEvictionSettings")
_WANTED_LINE = re.compile(rb"""["']?(?:%s)["']?[ ]*:""" % "|".join(_WANTED).encode("ascii"))
_COMMENT = re.compile(rb"(?:^|\s)#.*")
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


def read_kubelet(proc: ProcFs, cgroups: CgroupFs, service: str) -> Kubelet:
    """Return what the kubelet in the cgroup `service` was told, or why that is not known."""
    why = ""
    try:
        with cgroups.open(service) as directory:
            pids = directory.read_procs()
    except AgentError as error:
        pids, why = [], f": {error}"
    for pid in pids[:_MOST_PROCESSES]:
        try:
            with proc.process(pid) as process:
                if program_name(process.exe()) == "kubelet":
                    return _told(process)
        except AgentError as error:
            why = f": {error}"
    return Kubelet(absent=visible(f"no process in {SERVICE} could be seen to be a kubelet{why}"))


def _told(process: ProcessDir) -> Kubelet:
    arguments = process.cmdline()
    given = {name: option(arguments, name) for name in OPTIONS}
    options = {name: visible(text[:_OPTION_LIMIT]) for name, text in given.items() if text is not None}
    found: list[KubeletFile] = []
    try:
        _read_files(process, option(arguments, "config"), option(arguments, "config-dir"), found)
    except (AgentError, OSError) as error:
        return Kubelet(options=options, files=found, absent=visible(str(error)))
    return Kubelet(options=options, files=found)


def option(arguments: list[str], name: str) -> str | None:
    """Return what an option was last given, as --NAME=VALUE or as --NAME VALUE; None where it was not."""
    value = None
    for place, argument in enumerate(arguments):
        given, separator, text = argument.partition("=")
        if given in {f"--{name}", f"-{name}"}:
            value = text if separator else "".join(arguments[place + 1 : place + 2])
    return value


def eviction_lines(data: bytes, path: str) -> str:
    """Return what a configuration file, YAML or JSON, says of evictions: YAML again, "" for nothing.

    Raises ParseError where it is more than may be kept.
    """
    kept = _of_json(data, path) if data.lstrip().startswith(b"{") else _of_yaml(data)
    if len(kept) > _KEPT_LIMIT:
        raise ParseError(path, 0, f"says more than {_KEPT_LIMIT} bytes of evictions")
    return kept.decode("utf-8", "backslashreplace")


def _of_json(data: bytes, path: str) -> bytes:
    try:
        fields = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    except msgspec.MsgspecError as error:
        raise ParseError(path, 0, "is not JSON, though it begins like it") from error
    found = {name: fields[name] for name in _WANTED if name in fields}
    return msgspec.json.encode(found) if found else b""


def _of_yaml(data: bytes) -> bytes:
    """Return the wanted fields with the lines below that are theirs: whoever reads YAML judges them."""
    kept, is_wanted = [], False
    for whole in data.splitlines():
        line = _COMMENT.sub(b"", whole).rstrip()
        if line and line[:1] not in b" \t":
            is_wanted = _WANTED_LINE.match(line) is not None
        if is_wanted and line:
            kept.append(line)
    return b"\n".join(kept)


def _read_files(
    process: ProcessDir, config: str | None, drop_ins: str | None, found: list[KubeletFile]
) -> None:
    root = process.open_root()
    try:
        for path in (*([config] if config else []), *(_names(root, drop_ins) if drop_ins else [])):
            if not path.startswith("/"):
                raise ReadError(path, "is no absolute path, so it is not known where it is")
            text = eviction_lines(_read(root, path), path)
            files.tell(f"{process.path}/root{path}", text.encode("utf-8"))
            found.append(KubeletFile(path=visible(path), text=text))
    finally:
        os.close(root)


def _names(root: int, drop_ins: str) -> list[str]:
    fd = open_at(root, drop_ins, _READ | os.O_DIRECTORY, FROM_ROOT)
    try:
        names = sorted(name for name in os.listdir(fd) if name.endswith(".conf"))  # noqa: PTH208 - a descriptor
    except OSError as error:
        raise read_error(drop_ins, error) from error
    finally:
        os.close(fd)
    if len(names) > MOST_FILES:
        raise ReadError(drop_ins, f"holds more than {MOST_FILES} files")
    return [f"{drop_ins.rstrip('/')}/{name}" for name in names]


def _read(root: int, path: str) -> bytes:
    return files.read_opened(open_at(root, path, _READ, FROM_ROOT), path, FILE_LIMIT)
