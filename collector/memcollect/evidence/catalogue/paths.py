"""Paths: DeerFlow's seven directories, and what stays in them."""

from memcollect.evidence.checks import Check, Row
from memcollect.evidence.demands import Ends, Recorded, Same, Says
from memcollect.evidence.exits import Exited
from memcollect.evidence.steps import Destroy, Identity, Release, Run, Take, Write

_MOUNTS = "DeerFlow mounts user data read-write, the ACP workspace and skills read-only"


def _probe(path: str) -> str:
    return (
        f"if [ -d {path} ]; then echo there; stat -f -c 'file system %T' {path}; stat -c 'owner %u:%g, mode %a' {path}; "
        f"if (: > {path}/{{run}}-probe) 2>/dev/null; then echo writable; rm -f {path}/{{run}}-probe; "
        "else echo read-only; fi; else echo absent; fi"
    )


def _path(name: str, path: str, *, writable: bool) -> Check:
    right = "writable" if writable else "read-only"
    return Check(
        name=name,
        asks=f"is {path} there, of which file system, whose, and is it writable?",
        expected=f"there and {right}",
        source=_MOUNTS,
        steps=(Run(label="probe", command=_probe(path)),),
        demands=(
            Says(of="probe", holds=("there",), means="the directory is not there"),
            Says(of="probe", holds=(right,), means=f"it is not {right}"),
        ),
    )


ROW = Row(
    name="Paths",
    evidence="workspace, uploads, outputs, ACP workspace and skills keep their expected semantics",
    checks=(
        _path("workspace", "{ws}", writable=True),
        _path("uploads", "{up}", writable=True),
        _path("outputs", "{out}", writable=True),
        _path("acp-workspace", "{acp}", writable=False),
        _path("skills-public", "{skills}/public", writable=False),
        _path("skills-custom", "{skills}/custom", writable=False),
        _path("skills-legacy", "{skills}/legacy", writable=False),
        Check(
            name="working-directory",
            asks="where does a command begin, and can it enter the workspace?",
            expected="it can; where it begins is written down",
            source="DeerFlow's tools begin every command with cd /mnt/user-data/workspace",
            steps=(Run(label="begin", command="pwd"), Run(label="enter", command="cd {ws} && pwd")),
            demands=(
                Ends(of="enter", ways=(Exited(0),)),
                Says(of="enter", holds=("workspace",)),
                Recorded(of="begin"),
            ),
        ),
        Check(
            name="kept-over-reuse",
            asks="write, release the sandbox, take it again, read",
            expected="the same text",
            source="DeerFlow's contract: user data belongs to the thread",
            needs=("release",),
            steps=(
                Take(label="take", box="b", thread="reused", user="one"),
                Write(label="write", box="b", path="{ws}/{run}-reuse.txt", text="{canary}"),
                Release(label="release", box="b"),
                Take(label="again", box="b", thread="reused", user="one"),
                Run(label="read", box="b", command="cat {ws}/{run}-reuse.txt; rm -f {ws}/{run}-reuse.txt"),
            ),
            demands=(Says(of="read", holds=("{canary}",), means="the workspace is lost at release"),),
            seconds=240.0,
        ),
        Check(
            name="kept-over-re-creation",
            asks="write, delete the sandbox, make one for the same thread, read",
            expected="the same text",
            source="DeerFlow's contract: user data belongs to the thread",
            steps=(
                Take(label="take", box="c", thread="made-again", user="one"),
                Write(label="workspace", box="c", path="{ws}/{run}-kept.txt", text="{canary}-ws"),
                Write(label="outputs", box="c", path="{out}/{run}-kept.txt", text="{canary}-out"),
                Destroy(label="destroy", box="c"),
                Take(label="again", box="c", thread="made-again", user="one"),
                Run(
                    label="read",
                    box="c",
                    command="cat {ws}/{run}-kept.txt {out}/{run}-kept.txt; rm -f {ws}/{run}-kept.txt {out}/{run}-kept.txt",
                ),
            ),
            demands=(
                Says(of="read", holds=("{canary}-ws",), means="the workspace is lost with the sandbox"),
                Says(of="read", holds=("{canary}-out",), means="the outputs are lost with the sandbox"),
            ),
            seconds=300.0,
        ),
        Check(
            name="same-instance",
            asks="release and take again: the same instance?",
            expected="written down",
            source="DeerFlow's release parks the sandbox running",
            needs=("release", "cluster"),
            level="cluster",
            steps=(
                Take(label="take", box="d"),
                Identity(label="before", box="d"),
                Release(label="release", box="d"),
                Take(label="again", box="d"),
                Identity(label="after", box="d"),
            ),
            demands=(Same(of="after", other="before", otherwise="differs", means="another instance"),),
            seconds=240.0,
        ),
    ),
    seconds=900.0,
)
