"""The names that stand in the catalogue's texts: {ws}, {dir}, {canary} and the rest, filled in."""

from __future__ import annotations

import functools
import hashlib
import secrets
from collections.abc import Mapping

import msgspec

from memcollect.evidence.checks import Check
from memcollect.evidence.contents import Bulk, made
from memcollect.evidence.demands import Demand, named

_LEAST_MARKER, _MARKERS = 700_000, 200_000


@functools.cache
def sha256_of_50_mib() -> str:
    """Return the hash of the catalogue's large file."""
    return hashlib.sha256(made(Bulk(50 << 20))).hexdigest()


def of_check(run: str, row: str, check: Check) -> dict[str, str]:
    """Return the names that have one value for the whole check."""
    names = {
        "run": run,
        "check": f"{row.lower()}-{check.name}",
        "canary": f"canary-{secrets.token_hex(8)}",
        # Seconds for `sleep`: no other one has so many, and so many days end by nothing but a kill.
        "marker": str(_LEAST_MARKER + secrets.randbelow(_MARKERS)),
    }
    if any("{sha256_of_50_mib}" in text for text in _texts(check.demands)):
        names["sha256_of_50_mib"] = sha256_of_50_mib()
    return names


def of_box(prefix: str, names: Mapping[str, str], temp: str = "/tmp") -> dict[str, str]:  # noqa: S108 # a sandbox's own
    """Return the names of directories in a sandbox, beside the check's own."""
    data = f"{prefix}/mnt/user-data"
    return {
        **names,
        "ws": f"{data}/workspace",
        "up": f"{data}/uploads",
        "out": f"{data}/outputs",
        "tmp": temp,
        "acp": f"{prefix}/mnt/acp-workspace",
        "skills": f"{prefix}/mnt/skills",
        "dir": f"{data}/workspace/{names['run']}/{names['check']}",
    }


def filled(text: str, names: Mapping[str, str]) -> str:
    """Return a text with its names filled in; braces that hold no name of ours stay."""
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def filled_check(check: Check, names: Mapping[str, str]) -> Check:
    """Return the check with the names that do not depend on a sandbox filled in its demands."""
    return msgspec.structs.replace(check, demands=tuple(named(each, names) for each in check.demands))


def _texts(demands: tuple[Demand, ...]) -> list[str]:
    return [msgspec.json.encode(each).decode() for each in demands]
