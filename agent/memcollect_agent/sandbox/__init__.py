"""Recognising sandbox runtimes on the node: by their processes, what these map, and their cgroups' shapes."""

from memcollect_agent.sandbox.hints import MOST_LOOKED_AT, Budgeted, find_hints, looks_ordinary
from memcollect_agent.sandbox.keepers import find_keepers
from memcollect_agent.sandbox.kinds import HOLDERS, KINDS
from memcollect_agent.sandbox.places import SandboxPlace, sandbox_at

__all__ = [
    "HOLDERS",
    "KINDS",
    "MOST_LOOKED_AT",
    "Budgeted",
    "SandboxPlace",
    "find_hints",
    "find_keepers",
    "looks_ordinary",
    "sandbox_at",
]
