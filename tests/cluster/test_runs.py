"""Containers that ended and were started again: what the one before held is not the new one's."""

import re

import pytest

from cluster.conftest import Started
from cluster.measured import (
    INTERPRETER_BYTES,
    Memcollect,
    Say,
    container_of,
    finding,
    holds_anon,
    mib,
    steps_of,
)
from cluster.pods import MIB, Json, Kit

pytestmark = pytest.mark.cluster

FIRST_MIB, SECOND_MIB = 64, 16
EXIT_CODE = 3
LIMIT = "64Mi"
BEYOND_MIB = 160
STATE = {"volumes": [{"name": "state", "emptyDir": {}}]}
MOUNTED = {"volumeMounts": [{"name": "state", "mountPath": "/mnt/state"}]}
TWICE = """
if not os.path.exists("/mnt/state/ran"):
    open("/mnt/state/ran", "w").close()
    {first}
held = hold({second})
stay()
"""
"""The second run is known by what the first left in a volume."""


def restarted(pod: Json) -> bool:
    """Whether its first container runs for the second time, and all of it is ready."""
    statuses = pod["status"].get("containerStatuses") or []
    return (
        bool(statuses)
        and all(each["ready"] for each in statuses)
        and any(each["restartCount"] for each in statuses)
    )


def test_a_restarted_container_is_measured_by_its_new_run_alone(
    kit: Kit, started: Started, memcollect: Memcollect, say: Say
) -> None:
    first = f"held = hold({FIRST_MIB}); sys.exit({EXIT_CODE})"
    program = TWICE.format(first=first, second=SECOND_MIB)
    started(kit.pod("restarted", kit.container("phoenix", program, **MOUNTED), **STATE), restarted)
    pod = memcollect.pod("restarted")
    phoenix = container_of(pod, "phoenix")
    assert phoenix.restarts == 1
    assert phoenix.last_termination is not None
    assert phoenix.last_termination.exit_code == EXIT_CODE
    assert phoenix.id is not None
    assert phoenix.last_termination.container_id not in {None, phoenix.id}
    anon = holds_anon(phoenix, SECOND_MIB)
    assert phoenix.cgroup is not None
    assert phoenix.cgroup.peak_bytes is None or phoenix.cgroup.peak_bytes < FIRST_MIB * MIB
    told = finding(pod, "restarted").sentence
    assert "phoenix was restarted once, and last ended with exit code 3" in told
    steps_of(pod.ladder, phoenix.ladder)
    say(f"{told} {mib(anon)} private memory, after {FIRST_MIB} MiB in the run before")


def test_an_oom_kill_is_told_with_its_container_and_its_limit(
    kit: Kit, started: Started, memcollect: Memcollect, say: Say
) -> None:
    greedy = TWICE.format(first=f"held = hold({BEYOND_MIB})", second=SECOND_MIB)
    limits = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": LIMIT}}
    # Without a limit of its own, so that the pod has none: the limit that is reached is the first one's.
    beside = kit.container("bystander", "held = hold(8)\nstay()")
    started(
        kit.pod("killed", kit.container("greedy", greedy, resources=limits, **MOUNTED), beside, **STATE),
        restarted,
    )
    pod = memcollect.pod("killed")
    victim, bystander = container_of(pod, "greedy"), container_of(pod, "bystander")
    assert (victim.restarts, bystander.restarts) == (1, 0)
    assert victim.last_termination is not None
    assert victim.last_termination.exit_code == 137
    kill = finding(pod, "oom_kill")
    # A probe that was running in it is ended with it.
    assert re.search(r"ended (1 process|2 processes) of earlier runs of container greedy", kill.sentence)
    assert f"the container's own limit of {LIMIT} was reached" in kill.sentence
    assert "OOM" in pod.verdict
    assert "greedy" in pod.verdict
    anon = holds_anon(victim, SECOND_MIB)
    assert anon < SECOND_MIB * MIB + INTERPRETER_BYTES
    holds_anon(bystander, 8)
    steps_of(pod.ladder, victim.ladder, bystander.ladder)
    say(kill.sentence)
