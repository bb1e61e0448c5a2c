"""What a plan may not say although each of its values can be read. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from memcollect.profile.checks_provisioned import HEADER_VALUE, POD, check_provisioned
from memcollect.profile.plan import (
    MOST_SANDBOXES,
    PLAN_SCHEMA,
    Exec,
    Http,
    Phase,
    Reuse,
    Scale,
    Selected,
    Settle,
    Source,
    Template,
)
from memcollect.profile.shown import shown
from memcollect.profile.tables import Mistakes

NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?", re.ASCII)
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_SHORTEST_INTERVAL = 0.5
"""Between two points of an agent's history: none is asked for more often."""
NAME_RULE = "use a-z, 0-9 and '-', at most 50 characters"


def check_plan(
    head: Any,
    settle: Settle | None,
    source: Source | None,
    phases: Sequence[tuple[str, Phase]],
    mistakes: Mistakes,
) -> None:
    """Add a sentence for each thing that makes no sense; what is None had mistakes of its own already."""
    if head is not None:
        _head(head, mistakes)
    if settle is not None:
        _settle("settle", settle, mistakes)
    if source is not None:
        _source(source, mistakes)
    for where, phase in phases:
        _phase(where, phase, source, mistakes)


def _head(head: Any, mistakes: Mistakes) -> None:
    if head.schema != PLAN_SCHEMA:
        mistakes.append(
            f"schema is {shown(head.schema)}; this memcollect reads plans of schema {PLAN_SCHEMA}."
        )
    if not NAME.fullmatch(head.name):
        mistakes.append(f"name is {shown(head.name)}; {NAME_RULE}.")
    if head.backend and not NAME.fullmatch(head.backend):
        mistakes.append(f"backend is {shown(head.backend)}; {NAME_RULE}.")
    if not 1 <= head.repeats <= 1000:
        mistakes.append(
            f"repeats is {shown(head.repeats)}; it must be from 1 to 1000 (3 or more to compare)."
        )
    if not 0.05 <= head.poll <= 10:
        mistakes.append(f"poll is {head.poll:g}s; it must be from 50ms to 10s.")


def _settle(where: str, settle: Settle, mistakes: Mistakes) -> None:
    if settle.within < 1:
        mistakes.append(f'{where}.within is 0; nothing changes by less than that, write for example "1Mi".')
    if settle.over <= 0:
        mistakes.append(f'{where}.over is 0; write over how long it must be quiet, for example "20s".')
    if settle.at_most < settle.over:
        mistakes.append(
            f"{where}.at_most ({settle.at_most:g}s) is shorter than {where}.over ({settle.over:g}s), so it "
            "could never settle; make it longer."
        )
    elif settle.at_most < settle.over + _SHORTEST_INTERVAL:
        mistakes.append(
            f"{where}.at_most ({settle.at_most:g}s) leaves no time beside {where}.over ({settle.over:g}s) "
            "for the agents' interval (2s unless set), so it could never settle; make it longer."
        )


def _source(source: Source, mistakes: Mistakes) -> None:
    if not _NAMESPACE.fullmatch(source.namespace):
        mistakes.append(f"source.namespace is {shown(source.namespace)}; that is no namespace's name.")
    if source.ready_within <= 0:
        mistakes.append("source.ready_within is 0; write how long a sandbox may take to be ready.")
    if isinstance(source, Selected):
        if not source.selector.strip():
            mistakes.append(
                'source.selector is empty; write a label selector, for example "app=deer-flow-sandbox".'
            )
        if not 1 <= source.most <= MOST_SANDBOXES:
            mistakes.append(f"source.most is {shown(source.most)}; it must be from 1 to {MOST_SANDBOXES}.")
    elif isinstance(source, Template):
        if bool(source.file) == bool(source.clone):
            mistakes.append(
                "source needs either file (a Pod manifest) or clone (a running pod), one of them."
            )
        if source.runtime_class and not POD.fullmatch(source.runtime_class):
            mistakes.append(f"source.runtime_class is {shown(source.runtime_class)}; that is no name.")
    else:
        check_provisioned(source, mistakes)


def _phase(where: str, phase: Phase, source: Source | None, mistakes: Mistakes) -> None:
    if not NAME.fullmatch(phase.name):
        mistakes.append(f"{where}: name is {shown(phase.name)}; {NAME_RULE}.")
    if phase.settle is not None:
        _settle(f"{where}: settle", phase.settle, mistakes)
    if getattr(phase, "time_limit", 1) <= 0:
        mistakes.append(f"{where}: time_limit is 0; write how long it may take.")
    command = getattr(phase, "command", None)
    if isinstance(phase, Exec) and not phase.command:
        mistakes.append(f'{where}: command is empty; write it as a list, for example ["sh", "-c", "true"].')
    if command and (not command[0] or any("\0" in word for word in command)):
        mistakes.append(f"{where}: command has an empty program or a NUL byte; no program can be run so.")
    if isinstance(phase, Http):
        _http(where, phase, mistakes)
    if isinstance(phase, Reuse) and not 1 <= phase.cycles <= 1000:
        mistakes.append(f"{where}: cycles is {shown(phase.cycles)}; it must be from 1 to 1000.")
    if isinstance(phase, Scale):
        _scale(where, phase, source, mistakes)


def _http(where: str, phase: Http, mistakes: Mistakes) -> None:
    if not 1 <= phase.port <= 65535:
        mistakes.append(f"{where}: port is {shown(phase.port)}; it must be from 1 to 65535.")
    if not phase.path.startswith("/") or any(c.isspace() or not c.isprintable() for c in phase.path):
        mistakes.append(f"{where}: path is {shown(phase.path)}; it must begin with / and hold no spaces.")
    elif not phase.path.isascii():
        mistakes.append(f"{where}: path is {shown(phase.path)}; write what is not ASCII as %XX.")
    if not HEADER_VALUE.fullmatch(phase.content_type):
        mistakes.append(f"{where}: content_type is {shown(phase.content_type)}; that is no header's value.")
    if not phase.expect or any(not 100 <= each <= 599 for each in phase.expect):
        mistakes.append(f"{where}: expect must list HTTP statuses, for example [200].")


def _scale(where: str, phase: Scale, source: Source | None, mistakes: Mistakes) -> None:
    if not phase.steps or any(not 1 <= step <= MOST_SANDBOXES for step in phase.steps):
        mistakes.append(
            f"{where}: steps must be numbers of sandboxes from 1 to {MOST_SANDBOXES}, as [10, 50, 100]."
        )
    if len(set(phase.steps)) < len(phase.steps):
        mistakes.append(f"{where}: steps names a number twice; use repeats to do a step again.")
    if isinstance(source, Selected):
        mistakes.append(
            f'{where}: do = "scale" makes sandboxes, and source.kind = "selector" cannot; '
            'use "template" or "provisioner", or remove the phase.'
        )
