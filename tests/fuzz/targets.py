"""All targets, by name."""

from fuzz import agent_targets, collector_targets

TARGETS = {each.name: each for each in (*agent_targets.TARGETS, *collector_targets.TARGETS)}
