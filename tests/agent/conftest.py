"""What the agent's tests share."""

from worlds.agent_faults import fail

__all__ = ["fail"]  # a fixture: pytest finds it here by its name
