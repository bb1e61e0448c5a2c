"""Isolation: nobody reads what is another's. Canaries of this run alone, at paths that it has made."""

from memcollect.evidence.checks import Check, Row
from memcollect.evidence.demands import Demand, Recorded, Says
from memcollect.evidence.steps import Look, Release, Run, Step, Take

_CONTRACT = "the guide: different users and threads cannot read each other's data"
_PLACES = ("{ws}", "{up}", "{out}", "{tmp}")


def _leave(box: str) -> Run:
    command = "; ".join(f"printf %s {{canary}} > {place}/{{run}}-canary" for place in _PLACES)
    return Run(label="leave", box=box, command=f"{command}; cat {{ws}}/{{run}}-canary")


def _find(box: str) -> Run:
    files = " ".join(f"{place}/{{run}}-canary" for place in _PLACES)
    return Run(label="find", box=box, command=f"cat {files} 2>/dev/null; echo looked")


def _tidy(box: str) -> Run:
    return Run(
        label="tidy", box=box, command=f"rm -f {' '.join(f'{place}/{{run}}-canary' for place in _PLACES)}"
    )


def _apart(box: str, other: str, means: str) -> tuple[tuple[Step, ...], tuple[Demand, ...]]:
    """Return the steps in two sandboxes that are taken already, and what must be so."""
    steps: tuple[Step, ...] = (_leave(box), _find(other), _tidy(box))
    demands: tuple[Demand, ...] = (
        Says(of="leave", holds=("{canary}",), means="the canary could not be written"),
        Says(of="find", holds=("looked",), lacks=("{canary}",), means=means),
    )
    return steps, demands


_THREADS = _apart("a", "b", "another thread's files can be read")
_USERS = _apart("b", "c", "another user's files can be read")
_SAME_THREAD = _apart("d", "e", "two users share the data of one thread id")
_REACH = (
    'unset http_proxy HTTP_PROXY all_proxy ALL_PROXY; url={neighbour}; if command -v curl >/dev/null; then curl -s -m 4 -o /dev/null "$url" && echo reached || echo '
    'not reached; elif command -v wget >/dev/null; then wget -q -T 4 -O /dev/null "$url" && echo reached || echo not '
    "reached; elif command -v python3 >/dev/null; then python3 -c 'import sys, urllib.request as r; "
    'r.urlopen(sys.argv[1], timeout=4)\' "$url" 2>/dev/null && echo reached || echo not reached; else echo no client; fi'
)

ROW = Row(
    name="Isolation",
    evidence="Different users and threads cannot read each other's data",
    checks=(
        Check(
            name="two-threads",
            asks="leave a canary in one thread's sandbox, look for it in another's",
            expected="it is not there",
            source=_CONTRACT,
            steps=(Take(label="other", box="b", thread="two", user="one"), *_THREADS[0]),
            demands=_THREADS[1],
            seconds=240.0,
        ),
        Check(
            name="two-users",
            asks="leave a canary in one user's sandbox, look for it in another user's",
            expected="it is not there",
            source=_CONTRACT,
            needs=("users",),
            steps=(
                Take(label="one", box="b", thread="two", user="one"),
                Take(label="other", box="c", thread="three", user="two"),
                *_USERS[0],
            ),
            demands=_USERS[1],
            seconds=240.0,
        ),
        Check(
            name="one-thread-of-two-users",
            asks="the same thread id for two users: leave a canary as one, look for it as the other",
            expected="it is not there",
            source=f"{_CONTRACT}; DeerFlow's provisioner in hostPath mode mounts by thread alone",
            needs=("users",),
            steps=(
                Take(label="one", box="d", thread="same", user="one"),
                Take(label="other", box="e", thread="same", user="two"),
                *_SAME_THREAD[0],
            ),
            demands=_SAME_THREAD[1],
            seconds=240.0,
        ),
        Check(
            name="handed-on",
            asks="leave a canary, release the sandbox, take one for another thread",
            expected="nothing of the first is in it",
            source="public reports: pooled pods handed on without being rebuilt",
            needs=("release",),
            steps=(
                Take(label="one", box="f", thread="first", user="one"),
                _leave("f"),
                Release(label="release", box="f"),
                Take(label="other", box="g", thread="second", user="one"),
                _find("g"),
                Run(label="tidy", box="g", command="rm -f {tmp}/{run}-canary"),
            ),
            demands=(
                Says(of="leave", holds=("{canary}",)),
                Says(
                    of="find",
                    holds=("looked",),
                    lacks=("{canary}",),
                    means="a released sandbox is handed on as it was",
                ),
            ),
            seconds=240.0,
        ),
        Check(
            name="residue",
            asks="what does a reused sandbox still hold of its earlier use?",
            expected="written down: files in /tmp, processes",
            source="DeerFlow's release parks the sandbox running",
            needs=("release",),
            steps=(
                Take(label="take", box="h"),
                Run(
                    label="leave",
                    box="h",
                    command="printf left > {tmp}/{run}-residue; sleep {marker} >/dev/null 2>&1 </dev/null & echo left",
                ),
                Release(label="release", box="h"),
                Take(label="again", box="h"),
                Run(
                    label="look",
                    box="h",
                    command="[ -e {tmp}/{run}-residue ] && echo 'a file in /tmp'; for f in /proc/[0-9]*/cmdline; do "
                    'case "$(tr "\\0" " " 2>/dev/null < "$f")" in "sleep {marker} ") echo \'a process\'; '
                    'kill "$(echo "$f" | cut -d/ -f3)";; esac; done; '
                    "echo looked; rm -f {tmp}/{run}-residue",
                ),
            ),
            demands=(Says(of="look", holds=("looked",)), Recorded(of="look")),
            seconds=240.0,
        ),
        Check(
            name="neighbour",
            asks="reach the interface of another sandbox from within one",
            expected="not reached: it takes commands from anybody",
            source=f"{_CONTRACT}; the AIO interface has no credentials of its own",
            steps=(
                Take(label="other", box="b", thread="two", user="one"),
                Run(label="reach", command=_REACH),
            ),
            demands=(
                Says(
                    of="reach",
                    holds=("reached",),
                    lacks=("no client",),
                    otherwise="differs",
                    means="it has no client",
                ),
                Says(of="reach", holds=("not reached",), means="another sandbox's interface can be reached"),
            ),
            seconds=240.0,
        ),
        Check(
            name="service-account",
            asks="is a service account's token in the sandbox?",
            expected="there is none (it is not read)",
            source="Kubernetes: automountServiceAccountToken; no setting of DeerFlow's provisioner turns it off",
            steps=(
                Run(
                    label="look",
                    command="[ -e /var/run/secrets/kubernetes.io/serviceaccount/token ] && echo there || echo absent",
                ),
            ),
            demands=(
                Says(
                    of="look",
                    exactly="absent",
                    otherwise="differs",
                    means="code in the sandbox may ask the API server",
                ),
            ),
        ),
        Check(
            name="metadata",
            asks="reach the cloud's metadata address",
            expected="not reached",
            source="clouds give credentials of the node at 169.254.169.254",
            steps=(Run(label="reach", command=_REACH.replace("{neighbour}", "http://169.254.169.254/")),),
            demands=(
                Says(
                    of="reach",
                    holds=("not reached",),
                    otherwise="differs",
                    means="the node's metadata can be reached",
                ),
            ),
        ),
        Check(
            name="privileges",
            asks="user, capabilities, seccomp of a command",
            expected="written down",
            source="proc(5): /proc/self/status",
            steps=(
                Run(
                    label="status",
                    command="echo \"uid $(id -u)\"; grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status | tr '\\t\\n' '  '",
                ),
            ),
            demands=(Says(of="status", holds=("uid ",)), Recorded(of="status")),
        ),
        Check(
            name="kernel",
            asks="is the kernel the node's own? The boot id inside, beside the node's",
            expected="written down: an equal id is a shared kernel",
            source="/proc/sys/kernel/random/boot_id",
            needs=("node",),
            level="node",
            steps=(
                Run(label="inside", command="cat /proc/sys/kernel/random/boot_id"),
                Look(label="node", about="operations"),
            ),
            demands=(Recorded(of="inside"), Recorded(of="node", facts=("boot_id",))),
        ),
    ),
    seconds=1200.0,
)
