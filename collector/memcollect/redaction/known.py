"""The public table of names that stay: programs, directories and cgroups that say nothing of whose they are.

What recognises runtimes and services reads these names: without them the explanation would be another. A pod
or a container that bears one of them keeps it.
"""

from __future__ import annotations

import functools
import re
import tomllib
from importlib.resources import files

from memcollect.services import default_table
from memcollect_agent.sandbox.kinds import KEEPERS, KINDS

_TABLE: dict[str, list[str]] = tomllib.loads(
    files("memcollect.redaction").joinpath("known.toml").read_text("utf-8")
)
_NO_NAMES = ("options", "messages", "owners")
KNOWN = frozenset(name for part, names in _TABLE.items() if part not in _NO_NAMES for name in names)
OPTIONS, KUBERNETES, OWNERS = (frozenset(_TABLE[part]) for part in _NO_NAMES)
PREFIXES = ("lxc.payload.", "machine-", "systemd-nspawn@", "kata_", "cube_sandbox")
"""With which a cgroup's name may begin; what follows is replaced."""
RESOURCES = re.compile(r"cpu|memory|ephemeral-storage|hugepages-\d+[KMG]i")
_VERSIONED = re.compile(r"(?:python|pypy|node|java|ruby|perl|php|gcc|clang|go)-?\d+(?:\.\d+)*")
_LIBRARY = re.compile(r"(?:libc|libm|libpthread|libstdc\+\+|ld-linux[-a-z0-9_]*|libpython\d[\d.]*)\.so[.\d]*")


def is_known(name: str) -> bool:
    """Return whether the name stays as it is."""
    return (
        name in KNOWN
        or bool(_VERSIONED.fullmatch(name) or _LIBRARY.fullmatch(name))
        or any(pattern.fullmatch(name) for pattern in _runtimes())
        or name in _services()
    )


def known_parts(name: str) -> tuple[str, str] | None:
    """Return what of a name stays at its beginning and its end, where it tells a service; None: nothing."""
    for before, after in _open_patterns():
        if len(name) > len(before) + len(after) and name.startswith(before) and name.endswith(after):
            return before, after
    return None


@functools.cache
def _runtimes() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(kind.programs) for kind in (*KINDS, *KEEPERS))


@functools.cache
def _services() -> frozenset[str]:
    """Return the names by which the package's table tells services, and those of the services themselves."""
    patterns = [each for entry in default_table() for each in (*entry.programs, *entry.words)]
    parts = [part for pattern in patterns for part in pattern.split("/")]
    switches = [part for entry in default_table() for part in entry.switch.replace("=", " ").split()]
    names = [*(entry.name for entry in default_table()), *switches]
    return frozenset([part for part in parts if part and not set(part) & set("*?[]")] + names)


@functools.cache
def _open_patterns() -> tuple[tuple[str, str], ...]:
    """Return the beginnings and ends of the table's patterns that have one star."""
    found = {
        tuple(pattern.split("*"))
        for entry in default_table()
        for pattern in (*entry.programs, *entry.words)
        if pattern.count("*") == 1 and "/" not in pattern and not set(pattern) & set("?[]")
    }
    return tuple(
        sorted(((a, b) for a, b in found if len(a + b) > 2), key=lambda each: -len(each[0] + each[1]))
    )
