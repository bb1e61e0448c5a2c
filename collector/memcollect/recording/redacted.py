"""A recording without its names, file by file. Pure, but for the key.

Each kernel file is rewritten by what it is; numbers are left as they are. A file that none of the rules is
for is none that a recording has, and is refused rather than let through.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import msgspec

from memcollect.errors import DocumentError, UsageError
from memcollect.recording.document import CONTAINER_NAME, CONTAINERS, LOGS, Recording
from memcollect.redaction import arguments
from memcollect.redaction.words import Words

CGROUPS = "sys/fs/cgroup/"
Rewrite = Callable[[Words, bytes], bytes]
_MAPPING = re.compile(
    r"([0-9a-f]+-[0-9a-f]+ [-rwxsp]{4} [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ [0-9]+\s*)(.*)", re.DOTALL
)
_STAT = re.compile(rb"(\d+ \()(.*)(\) [A-Za-z] .*)", re.DOTALL)
_OF_A_ROOT = re.compile(r"(proc/\d+/root)(/.+)")
"""What a process's own root holds: of the kubelet's configuration what it says of evictions."""
_KEPT_WORD = re.compile(r"[A-Za-z0-9_().:-]+")


def redacted_recording(recording: Recording, words: Words) -> Recording:
    """Return the recording with its names replaced.

    Raises UsageError where it is redacted already, and DocumentError for a file that no recording has.
    """
    if recording.about.redacted:
        raise UsageError("The recording is redacted already.", "Redact the original, if it is there.")
    patterns = [words.name(each) for each in recording.about.patterns]
    about = msgspec.structs.replace(recording.about, redacted=True, patterns=patterns)
    files = {_path(words, path): _content(words, path, data) for path, data in recording.files.items()}
    return Recording(about, files)


def _content(words: Words, path: str, data: bytes) -> bytes:
    for pattern, rewrite in _RULES:
        if pattern.fullmatch(path):
            return rewrite(words, data)
    raise DocumentError(f"{path[:100]!a} is no file that a recording has: it was not redacted.")


def _path(words: Words, path: str) -> str:
    """Return the path: of a cgroup, of a pod's logs and of a container's name; others name nothing."""
    folder, _, name = path.rpartition("/")
    if path.startswith(CGROUPS):
        inside = folder[len(CGROUPS) :]
        return f"{CGROUPS}{words.names(inside)}/{name}" if inside else path
    if match := _OF_A_ROOT.fullmatch(path):
        return f"{match[1]}{arguments.path(words, match[2])}"
    if folder == LOGS:
        return f"{folder}/{'_'.join(words.name(part) for part in name.split('_', 2))}"
    if path.startswith(f"{CONTAINERS}/"):
        return f"{CONTAINERS}/{words.name(folder.rpartition('/')[2])}/{name}"
    return path


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _numbers(words: Words, data: bytes) -> bytes:
    """Return lines of the kernel's own names and numbers; whatever is not of their form is replaced."""
    return _bytes("".join(_kernels_word(words, part) for part in re.split(r"(\s+|=)", _text(data))))


def _kernels_word(words: Words, text: str) -> str:
    return text if not text.strip("= \t\n") or _KEPT_WORD.fullmatch(text) else words.name(text)


def _whole(words: Words, data: bytes) -> bytes:
    text = _text(data)
    return _bytes(words.name(text.rstrip("\n")) + ("\n" if text.endswith("\n") else ""))


def _command(words: Words, data: bytes) -> bytes:
    return _bytes("\0".join(arguments.argument(words, each) for each in _text(data).split("\0")))


def _program(words: Words, data: bytes) -> bytes:
    return _bytes(arguments.path(words, _text(data)))


def _stat(words: Words, data: bytes) -> bytes:
    match = _STAT.fullmatch(data)
    return match[1] + _bytes(words.name(_text(match[2]))) + match[3] if match else b""


def _status(words: Words, data: bytes) -> bytes:
    return _bytes("".join(_line_of_status(words, line) for line in _text(data).splitlines(keepends=True)))


def _line_of_status(words: Words, line: str) -> str:
    name, tab, value = line.partition("\t")
    return f"{name}{tab}{words.name(value.rstrip())}\n" if name == "Name:" else line


def _smaps(words: Words, data: bytes) -> bytes:
    return _bytes("".join(_mapping(words, line) for line in _text(data).splitlines(keepends=True)))


def _mapping(words: Words, line: str) -> str:
    match = _MAPPING.fullmatch(line)
    if match is None or not match[2].strip():
        return line
    name = match[2].rstrip("\n")
    return f"{match[1]}{arguments.path(words, name)}\n"


def _cgroup(words: Words, data: bytes) -> bytes:
    """Return lines such as 0::/system.slice/x.service, with their paths replaced."""
    lines = (line.partition("/") for line in _text(data).splitlines())
    return _bytes("".join(f"{head}{slash}{words.names(path)}\n" for head, slash, path in lines))


def _mounts(_words: Words, data: bytes) -> bytes:
    """Return the options of the cgroup tree's mounts: the one thing that is read of them."""
    lines = [line.split(b" ") for line in data.splitlines()]
    kept = [parts[3] for parts in lines if len(parts) > 3 and parts[2] == b"cgroup2"]
    return b"".join(b"cgroup2 /sys/fs/cgroup cgroup2 %s 0 0\n" % options for options in kept)


def _version(words: Words, data: bytes) -> bytes:
    parts = _text(data).split()
    return _bytes(f"Linux version {arguments.kernel(words, parts[2])}\n") if len(parts) > 2 else b""


def _swaps(_words: Words, data: bytes) -> bytes:
    head, *lines = data.splitlines(keepends=True) or [b""]
    return b"".join([head, *(re.sub(rb"^\S+", b"/dev/swap%d" % at, line) for at, line in enumerate(lines))])


def _settings(words: Words, data: bytes) -> bytes:
    return _bytes(arguments.settings(words, _text(data)))


def _container_name(words: Words, data: bytes) -> bytes:
    name = msgspec.json.decode(data, type=dict[str, str]).get("Name", "").removeprefix("/")
    return msgspec.json.encode({"Name": f"/{words.name(name)}"})


def _nothing(_words: Words, _data: bytes) -> bytes:
    return b""


_OF_A_PROCESS: Mapping[str, Rewrite] = {
    "comm": _whole,
    "cmdline": _command,
    "exe": _program,
    "stat": _stat,
    "status": _status,
    "smaps": _smaps,
    "smaps_rollup": _smaps,
    "cgroup": _cgroup,
    "personality": _numbers,
}
_RULES: Sequence[tuple[re.Pattern[str], Rewrite]] = [
    (re.compile(pattern), rewrite)
    for pattern, rewrite in (
        *((rf"proc/\d+/(?:task/\d+/)?{name}", rewrite) for name, rewrite in _OF_A_PROCESS.items()),
        (r"proc/sys/kernel/(?:hostname|random/boot_id)", _whole),
        (r"proc/sys/kernel/(?:arch|randomize_va_space)", _numbers),
        (_OF_A_ROOT.pattern, _settings),
        (r"proc/mounts", _mounts),
        (r"proc/version", _version),
        (r"proc/swaps", _swaps),
        (r"proc/(?:meminfo|vmstat|stat|zoneinfo)", _numbers),
        (r"sys/fs/cgroup/(?:.*/)?(?:memory|cgroup|hugetlb)\.[A-Za-z0-9_.]+", _numbers),
        (r"sys/(?:devices|kernel|module)/[a-z0-9_/]+", _numbers),
        (rf"{LOGS}/[^/]+", _nothing),
        (rf"{CONTAINERS}/[0-9a-f]+/{re.escape(CONTAINER_NAME)}", _container_name),
    )
]
