"""Commands: output, time limits, and how failure looks."""

from memcollect.evidence.checks import Check, Row
from memcollect.evidence.contents import Lines
from memcollect.evidence.demands import (
    Answered,
    Bytes,
    Ends,
    Fact,
    HoldsOrSays,
    OomIsTold,
    Recorded,
    Says,
    Took,
)
from memcollect.evidence.exits import Exited, Signalled, TimedOut
from memcollect.evidence.patience import PATIENCE_SECONDS
from memcollect.evidence.steps import Look, Run, Together

_CONTRACT = "DeerFlow's sandbox contract: a command gives its text and how it ended"
_POSIX = "POSIX sh"
_MIB_OF_LINES = 149_796
"""Lines of seven bytes that make a mebibyte less four bytes."""
_FIND_VALUE = (
    'found=no; for f in /proc/[0-9]*/cmdline; do case "$(tr "\\0" " " 2>/dev/null < "$f")" in *"$MC_SECRET"*) '
    "found=yes;; esac; done; echo $found"
)
_FILL_MEMORY = "head -c {over_limit_bytes} /dev/zero | tail -c {over_limit_bytes} > /dev/null"
"""Of a pipe tail keeps all that it may have to print, so it grows to that size; the line ends as it does."""

ROW = Row(
    name="Commands",
    evidence="Bash output, timeout behavior, failure shape",
    checks=(
        Check(
            name="stdout",
            asks="print two lines and an empty one",
            expected="exactly that text",
            source=_CONTRACT,
            steps=(Run(label="print", command="printf 'one  two\\n\\n\\tthree\\n'"),),
            demands=(
                Says(
                    of="print", exactly="one  two\n\n\tthree\n", means="the output is not as it was written"
                ),
            ),
        ),
        Check(
            name="utf-8",
            asks="print letters of several scripts",
            expected="exactly that text",
            source=_CONTRACT,
            steps=(Run(label="print", command="printf 'grüße 世界 🎈 ≠\\n'"),),
            demands=(Says(of="print", exactly="grüße 世界 🎈 ≠", means="UTF-8 is not kept"),),
        ),
        Check(
            name="stderr",
            asks="write to stdout and to stderr",
            expected="both texts, apart or merged",
            source=_CONTRACT,
            steps=(Run(label="write", command="echo to-stdout; echo to-stderr >&2"),),
            demands=(
                Says(of="write", holds=("to-stdout",), means="stdout is lost"),
                Says(of="write", where="stderr", holds=("to-stderr",), means="stderr is lost"),
            ),
        ),
        Check(
            name="exit-0",
            asks="run `true`",
            expected="exit code 0 and no text at all",
            source=_CONTRACT,
            steps=(Run(label="run", command="true"),),
            demands=(
                Ends(of="run", ways=(Exited(0),), means="success is told as failure"),
                Says(of="run", where="both", exactly="", otherwise="differs", means="text that nobody wrote"),
            ),
        ),
        Check(
            name="exit-7",
            asks="end with exit code 7",
            expected="exit code 7",
            source=_CONTRACT,
            steps=(Run(label="run", command="exit 7"),),
            demands=(Ends(of="run", ways=(Exited(7),), means="the exit code is lost"),),
        ),
        Check(
            name="output-of-failure",
            asks="print, complain on stderr, end with 7",
            expected="both texts, though it failed",
            source=_CONTRACT,
            steps=(Run(label="run", command="echo before-failing; echo the-reason >&2; exit 7"),),
            demands=(
                Says(
                    of="run",
                    where="both",
                    holds=("before-failing",),
                    means="a failing command's stdout is lost",
                ),
                Says(
                    of="run", where="both", holds=("the-reason",), means="a failing command's stderr is lost"
                ),
            ),
        ),
        Check(
            name="killed",
            asks="kill -9 of itself",
            expected="signal 9, or 137 as shells say it",
            source=_POSIX,
            steps=(
                Run(label="run", command="sh -c 'kill -9 $$'; exit $?"),
                Run(label="own", command="kill -9 $$"),
            ),
            demands=(
                Ends(of="run", ways=(Signalled(9), Exited(137)), means="a kill is told as something else"),
                Ends(
                    of="own",
                    ways=(Signalled(9), Exited(137), Exited(-9)),
                    means="a kill is told as something else",
                ),
            ),
        ),
        Check(
            name="not-found",
            asks="run a program that does not exist",
            expected="exit code 127",
            source=_POSIX,
            steps=(Run(label="run", command="memcollect-no-such-program"),),
            demands=(
                Ends(of="run", ways=(Exited(127),), means="a missing program is told as something else"),
            ),
        ),
        Check(
            name="time-limit",
            asks="sleep 120 s with a limit of 3 s",
            expected="an answer within 20 s that says it was ended",
            source="DeerFlow's sandbox contract: a command's timeout",
            steps=(Run(label="sleep", command="echo begun; sleep 120; echo slept-{run}", limit_seconds=3.0),),
            demands=(
                Took(of="sleep", least_seconds=2.5, most_seconds=20.0, means="the time limit is not kept"),
                Says(of="sleep", where="both", lacks=("slept-",), means="the time limit is not kept"),
                Ends(
                    of="sleep",
                    ways=(TimedOut(), Exited(124), Exited(137), Exited(143), Signalled(9), Signalled(15)),
                    means="a command that was cut off is told as one that ended",
                ),
            ),
            seconds=40.0,
        ),
        Check(
            name="after-the-limit",
            asks="is the process still there, seen from the node?",
            expected=f"no process of the command is left, {PATIENCE_SECONDS:g} s after its answer at most",
            source="the node's agent: cgroup.procs and /proc/PID/cmdline",
            level="node",
            needs=("node",),
            steps=(
                Run(label="sleep", command="sleep {marker}", limit_seconds=3.0),
                Look(label="node", about="processes", marker="{marker}", until="gone"),
            ),
            demands=(
                Fact(
                    of="node",
                    name="marked",
                    equals=0,
                    means="a command that has run into its time limit goes on in the sandbox",
                ),
            ),
            seconds=40.0,
        ),
        Check(
            name="background",
            asks="leave a child in the background",
            expected="an answer at once, with what was printed",
            source=_POSIX,
            steps=(Run(label="run", command="sleep 25 > /dev/null 2>&1 < /dev/null & echo started"),),
            demands=(
                Says(of="run", holds=("started",)),
                Took(of="run", most_seconds=15.0, means="it waits for the child", otherwise="differs"),
            ),
            seconds=40.0,
        ),
        Check(
            name="stdin",
            asks="read all of stdin",
            expected="it is at its end, nothing hangs",
            source="DeerFlow's tools give no stdin",
            steps=(Run(label="run", command="cat; echo read-to-the-end"),),
            demands=(
                Says(of="run", holds=("read-to-the-end",)),
                Took(of="run", most_seconds=15.0, means="reading stdin hangs"),
            ),
        ),
        Check(
            name="large-output",
            asks="print 1 MiB in numbered lines",
            expected="all of it, or a cut that is said",
            source="AIO's interface cuts at 30,000 characters unless told otherwise; DeerFlow's bash at 20,000",
            steps=(Run(label="print", command=f"seq -w 0 {_MIB_OF_LINES - 1}"),),
            demands=(HoldsOrSays(of="print", material=Lines(_MIB_OF_LINES), means="output is cut silently"),),
            seconds=60.0,
        ),
        Check(
            name="invalid-utf-8",
            asks="print a byte that is no UTF-8 between two letters",
            expected="both letters, and the byte kept, replaced or escaped",
            source="RFC 3629; JSON interfaces cannot carry the byte",
            steps=(Run(label="print", command="printf 'a\\377b\\n'"),),
            demands=(
                Bytes(
                    of="print",
                    any_of=(
                        "61ff62",  # as it was
                        "61efbfbd62",  # U+FFFD
                        "61c3bf62",  # taken for Latin-1
                        "615c78666662",  # \xff
                        "61edb3bf62",  # a lone surrogate
                    ),
                    means="one bad byte spoils the text",
                ),
            ),
        ),
        Check(
            name="two-at-once",
            asks="run two commands at the same time",
            expected="each has its own text, and neither waits long for the other",
            source="agents run tools in parallel",
            steps=(
                Together(
                    label="both",
                    runs=(
                        Run(label="left", command="sleep 3; echo left-{canary}"),
                        Run(label="right", command="sleep 3; echo right-{canary}"),
                    ),
                ),
            ),
            demands=(
                Says(
                    of="left", holds=("left-{canary}",), lacks=("right-",), means="texts of two commands mix"
                ),
                Says(
                    of="right", holds=("right-{canary}",), lacks=("left-",), means="texts of two commands mix"
                ),
                Took(of="both", most_seconds=15.0, means="one waits for the other", otherwise="differs"),
            ),
            seconds=40.0,
        ),
        Check(
            name="environment",
            asks="set a variable for one command, then run another",
            expected="the first has it, the second does not",
            source="DeerFlow's sandbox contract: env is of one call",
            steps=(
                Run(label="with", command='printf %s "$MC_VALUE"', env={"MC_VALUE": "{canary}"}),
                Run(label="without", command='printf %s "${MC_VALUE-unset}"'),
            ),
            demands=(
                Says(of="with", exactly="{canary}", means="the variable is not set"),
                Says(of="without", exactly="unset", means="a variable outlives its call"),
            ),
        ),
        Check(
            name="secret-environment",
            asks="look for a variable's value in all command lines of the sandbox",
            expected="it is in none",
            source="proc(5): command lines can be read by every user",
            steps=(Run(label="look", command=_FIND_VALUE, env={"MC_SECRET": "{canary}"}),),
            demands=(
                Says(of="look", exactly="no", means="the value of a variable stands on a command line"),
            ),
            seconds=60.0,
        ),
        Check(
            name="working-directory",
            asks="change the directory, then ask for it in another call",
            expected="kept or not: written down",
            source="DeerFlow's tools begin every command with a cd",
            steps=(Run(label="change", command="cd /tmp && pwd"), Run(label="ask", command="pwd")),
            demands=(Says(of="change", exactly="/tmp"), Recorded(of="ask")),  # noqa: S108 # a sandbox's own
        ),
        Check(
            name="beyond-memory",
            asks="use more memory than the limit",
            expected="where the kernel kills, the answer says so",
            source="memory.events oom_kill, by the node's agent",
            needs=("own", "node"),
            level="node",
            steps=(
                Look(label="before", about="memory"),
                Run(label="fill", command=_FILL_MEMORY, limit_seconds=60.0),
                Look(label="after", about="memory"),
            ),
            demands=(
                OomIsTold(
                    of="fill", before="before", after="after", means="a kill for memory is told as success"
                ),
            ),
            seconds=90.0,
            alone=True,
        ),
        Check(
            name="still-there",
            asks="run a command after all of this",
            expected="an answer",
            source=_CONTRACT,
            steps=(Run(label="run", command="echo alive"),),
            demands=(Answered(of="run"), Says(of="run", exactly="alive")),
        ),
    ),
    seconds=900.0,
)
