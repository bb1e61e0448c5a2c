"""Processes that keep a sandbox or a container for its runtime, wherever on the node they are.

A shim sits in the runtime's own cgroup, a VMM may, and either can outlive its pod; so what is left of a
deleted pod is looked for by the ids on command lines, among the programs that are known to bear them:

    containerd-shim-runc-v2 -namespace k8s.io -id <sandbox id> -address …
    conmon -b … -c <container id> …
    qemu-system-x86_64 -name sandbox-<sandbox id>,debug-threads=on …

A pod may run a program of any name with any id on its command line, but not outside of its own cgroup: what
sits in the cgroup of a pod keeps only what that cgroup's path bears the id of.
"""

import re
from collections.abc import Callable, Collection

from memcollect_agent.errors import AgentError
from memcollect_agent.pods import in_a_pod
from memcollect_agent.read.procfs import ProcessDir, ProcFs
from memcollect_agent.redact import visible
from memcollect_agent.sandbox.kinds import Recognised, recognise, recognise_keeper
from memcollect_agent.wire import Hint

_ID = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{32})(?![0-9a-f])")


def find_keepers(proc: ProcFs, ids: Collection[str], late: Callable[[], bool]) -> list[Hint] | None:
    """Return the known programs of runtimes whose command lines bear one of `ids`.

    Ids are of 32 or 64 hexadecimal digits; others are on no command line. None where `late` said that the
    time was used up before every process was looked at. Raises ReadError where processes cannot be listed.
    """
    wanted = frozenset(ids)
    found: list[Hint] = []
    for pid in proc.pids() if wanted else ():
        if late():
            return None
        try:
            with proc.process(pid) as process:
                hint = _keeper(process, wanted)
        except AgentError:
            # It has ended, or its command line is refused: a runtime's own process is neither.
            continue
        found += [hint] if hint is not None else []
    return found


def _keeper(process: ProcessDir, wanted: frozenset[str]) -> Hint | None:
    arguments = process.cmdline()
    borne = next((id_ for word in arguments for id_ in _ID.findall(word) if id_ in wanted), None)
    if borne is None:
        return None
    told = _told(process, arguments)
    cgroup = process.cgroup() if told else ""
    if told is None or (in_a_pod(cgroup) and borne not in cgroup):
        return None
    program = visible(told.program[:64])
    return Hint(kind=told.kind, pid=process.pid, program=program, by=told.by, sandbox_id=borne)


def _told(process: ProcessDir, arguments: list[str]) -> Recognised | None:
    try:
        exe: str | None = process.exe()
    except AgentError:
        exe = None
    comm = process.comm()
    return recognise(comm, arguments, exe) or recognise_keeper(comm, arguments, exe)
