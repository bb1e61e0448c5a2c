"""A check, a row of them, and the hash by which two runs know that they tried the same. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from memcollect.evidence.demands import Demand
from memcollect.evidence.port import Level
from memcollect.evidence.steps import Step

Need: TypeAlias = Literal[
    "gateway",  # DeerFlow's gateway is given
    "users",  # sandboxes can be asked for in the name of a user
    "release",  # the backend can take a sandbox back without deleting it
    "node",  # an agent on the sandbox's node
    "restart",  # a command that restarts what makes the sandboxes
    "idle",  # after how long the backend ends an idle sandbox, short enough to wait for
    "cluster",  # the cluster's API knows the sandbox's pod
    "replicas",  # how many sandboxes the backend keeps, few enough to try
    "own",  # the sandbox is the run's own, so that nobody else's work is spoilt
    "download-limit",  # the largest file that the interface gives back
]


class Check(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One question to a backend. It is done step by step; the first step that cannot be done ends it."""

    name: str
    asks: str
    """What is done, as a short sentence."""
    expected: str
    """What must come of it."""
    source: str
    """Where that expectation is from."""
    level: Level = "provider"
    """Whose promise it is."""
    steps: tuple[Step, ...]
    demands: tuple[Demand, ...]
    needs: tuple[Need, ...] = ()
    seconds: float = 30.0
    """For each of its steps."""
    alone: bool = False
    """Whether what it does to the sandbox would spoil the next check: it gets one of its own."""


class Row(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One row of the matrix."""

    name: str
    evidence: str
    """What the guide asks for."""
    checks: tuple[Check, ...]
    first: tuple[Step, ...] = ()
    """Done once before the checks, which may all judge what is seen of it."""
    seconds: float = 600.0
    """For all of it."""


def canonical(rows: Iterable[Row]) -> bytes:
    """Return every byte that decides what is tried and what is expected."""
    return msgspec.json.encode(list(rows), order="sorted")


def digest(rows: Iterable[Row]) -> str:
    """Return the SHA-256 of the rows."""
    return hashlib.sha256(canonical(rows)).hexdigest()
