"""Cleanup: what was taken is given back, seen from the cluster and from the node."""

from memcollect.evidence.checks import Check, Row
from memcollect.evidence.demands import Answered, Demand, Fact, Recorded, Same
from memcollect.evidence.patience import PATIENCE_SECONDS
from memcollect.evidence.steps import Destroy, Identity, Look, Outlive, Release, Restart, Run, Take

_GUIDE = "the guide: release, idle timeout, process restart and orphan cleanup free resources"
_FILL = "printf %s {canary} > {ws}/{run}-clean; head -c 8388608 /dev/zero > {tmp}/{run}-clean; cat {ws}/{run}-clean"


def _gone(name: str, what: str, fact: str, *, needs: str = "") -> Check:
    demand: Demand = Fact(of="left", name=fact, equals=0, means=f"{what} of a deleted sandbox stay")
    return Check(
        name=name,
        asks=f"after the deletion: {what} that are left",
        expected=f"none, {PATIENCE_SECONDS:g} s later at most",
        source=_GUIDE,
        level="node" if needs else "cluster",
        needs=("node",) if needs else ("cluster",),
        steps=(),
        demands=(demand,),
    )


ROW = Row(
    name="Cleanup",
    evidence="Release, idle timeout, process restart, and orphan cleanup free resources",
    first=(
        Take(label="take", box="b", thread="cleaned"),
        Run(label="fill", box="b", command=_FILL),
        Run(label="tidy", box="b", command="rm -f {ws}/{run}-clean"),
        Look(label="while", box="b", about="left"),
        Destroy(label="destroy", box="b"),
        Look(label="left", box="b", about="left", until="gone"),
    ),
    checks=(
        Check(
            name="destroy",
            asks="delete a sandbox",
            expected="no error",
            source=_GUIDE,
            steps=(),
            demands=(Answered(of="destroy"),),
        ),
        _gone("pods", "pods", "pods"),
        _gone("services", "Services", "services"),
        _gone("cgroups", "cgroups", "cgroups", needs="node"),
        _gone("processes", "processes, shims and VMMs", "processes", needs="node"),
        Check(
            name="dying-cgroups",
            asks="removed cgroups that still hold memory, and what all pods are charged, before and after",
            expected="written down",
            source="cgroup.stat nr_dying_descendants, by the node's agent",
            level="node",
            needs=("node",),
            steps=(),
            demands=(Recorded(of="left", facts=("dying_cgroups", "pods_charge_bytes")),),
        ),
        Check(
            name="claims",
            asks="volume claims that bear the sandbox's id",
            expected="written down",
            source=_GUIDE,
            level="cluster",
            needs=("cluster",),
            steps=(),
            demands=(Recorded(of="left", facts=("claims",)),),
        ),
        Check(
            name="twice",
            asks="delete the same sandbox again",
            expected="no error, or that it is gone",
            source=_GUIDE,
            steps=(Destroy(label="again", box="b"),),
            demands=(Answered(of="again"),),
            seconds=60.0,
        ),
        Check(
            name="release",
            asks="release a sandbox: does its pod stay?",
            expected="written down: DeerFlow parks it running, which frees nothing",
            source="DeerFlow's provider: release parks",
            level="cluster",
            needs=("release", "cluster"),
            steps=(
                Take(label="take", box="c"),
                Release(label="release", box="c"),
                Look(label="parked", box="c", about="left", until="settled"),
                Destroy(label="destroy", box="c"),
                Look(label="gone", box="c", about="left", until="gone"),
            ),
            demands=(
                Recorded(of="parked", facts=("pods", "pods_ending")),
                Fact(of="gone", name="pods", equals=0, means="a released sandbox cannot be deleted"),
            ),
            seconds=240.0,
        ),
        Check(
            name="idle",
            asks="release a sandbox and wait until it must be gone",
            expected="its pod is gone",
            source="DeerFlow's provider: idle 600 s, looked at every 60 s; public reports of timeouts that never fire",
            level="cluster",
            needs=("idle", "cluster"),
            steps=(
                Take(label="take", box="d"),
                Release(label="release", box="d"),
                Outlive(label="wait", setting="idle"),
                Look(label="left", box="d", about="left", until="gone"),
            ),
            demands=(Fact(of="left", name="pods", equals=0, means="the idle timeout does not fire"),),
            seconds=240.0,
        ),
        Check(
            name="over-the-replicas",
            asks="release four sandboxes one after the other: how many stay?",
            expected="written down beside the limit",
            source="DeerFlow's provider: 3 replicas, a soft limit",
            level="cluster",
            needs=("replicas", "release", "cluster"),
            steps=(
                *(
                    step
                    for box in "efgh"
                    for step in (Take(label=f"take-{box}", box=box), Release(label=f"release-{box}", box=box))
                ),
                Look(label="parked", box="efgh", about="left", until="settled"),
            ),
            demands=(Recorded(of="parked", facts=("pods", "pods_ending")),),
            seconds=240.0,
        ),
        Check(
            name="restart",
            asks="restart what makes the sandboxes, take the same one again, delete it",
            expected="it is found again and can be deleted",
            source="DeerFlow's provider adopts orphans; public reports of some 900 leaked pods",
            level="cluster",
            needs=("restart", "cluster"),
            steps=(
                Take(label="take", box="i", thread="orphan", user="one"),
                Identity(label="before", box="i"),
                Restart(label="restart"),
                Take(label="again", box="i", thread="orphan", user="one"),
                Identity(label="after", box="i"),
                Destroy(label="destroy", box="i"),
                Look(label="left", box="i", about="left", until="gone"),
            ),
            demands=(
                Same(of="after", other="before", otherwise="differs", means="a sandbox is not found again"),
                Fact(
                    of="left",
                    name="pods",
                    equals=0,
                    means="a sandbox outlives a restart and cannot be deleted",
                ),
            ),
            seconds=240.0,
        ),
    ),
    seconds=1200.0,
)
