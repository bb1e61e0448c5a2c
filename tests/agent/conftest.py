"""Properties are checked on the same examples every time: a failure today is a failure tomorrow."""

from hypothesis import HealthCheck, settings

from worlds.agent_faults import fail

settings.register_profile(
    "repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("repeatable")

__all__ = ["fail"]  # a fixture: pytest finds it here by its name
