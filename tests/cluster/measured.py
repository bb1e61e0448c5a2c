"""memcollect's commands on the tests' own namespace, and what stands in the documents they give."""

import os
import subprocess
import sys
from collections.abc import Callable

import msgspec
from msgspec import Struct

from cluster.pods import MIB
from memcollect.documents.snapshot import Container, Finding, Ladder, Missing, Pod, Snapshot
from worlds import children

PATIENT = ("--timeout", "120s")
"""How fast a cluster is, is not tested: a node with a share of one CPU took 22 s to tell of files."""
INTERPRETER_BYTES = 24 * MIB
"""What a Python with nothing loaded may hold beside what it was told to."""
Ended = subprocess.CompletedProcess[str]


class Memcollect(Struct, frozen=True):
    """Runs memcollect for whoever the kubeconfig names, in one namespace."""

    kubeconfig: str
    namespace: str

    def run(self, command: str, *arguments: str, module: str = "memcollect") -> Ended:
        """Return how a command ended, with what it said."""
        words = [sys.executable, "-m", module, command, *arguments]
        path = os.pathsep.join(filter(None, sys.path))
        return children.run(words, env={**os.environ, "KUBECONFIG": self.kubeconfig, "PYTHONPATH": path})

    def doctor(self, *arguments: str) -> Ended:
        """Return what the doctor said of our namespace."""
        return self.run("doctor", "-n", self.namespace, *arguments)

    def snapshot(self, *arguments: str, code: int = 0) -> Snapshot:
        """Return the snapshot of the pods named, or of what else is asked for, and fail at another code."""
        words = ("-n", self.namespace, "--include-processes", "--format", "json", *PATIENT, *arguments)
        return document(self.run("snapshot", *words), code)

    def pod(self, name: str) -> Pod:
        """Return one pod of ours, of which nothing may be missing."""
        taken = self.snapshot(name)
        assert taken.missing == []
        (found,) = taken.pods
        return found

    def explained(self, name: str, *arguments: str) -> Pod:
        """Return one pod of ours with its files or mappings, of which some may be told as gaps."""
        words = ("-n", self.namespace, name, "--format", "json", *PATIENT, *arguments)
        done = self.run("explain", *words)
        assert done.returncode in {0, 3}, done.stderr
        (found,) = msgspec.json.decode(done.stdout, type=Snapshot).pods
        return found


def document(done: Ended, code: int) -> Snapshot:
    """Return the snapshot that a command printed."""
    assert done.returncode == code, f"{done.returncode}: {done.stderr}{done.stdout[:2000]}"
    assert "Traceback" not in done.stderr
    return msgspec.json.decode(done.stdout, type=Snapshot)


def container_of(pod: Pod, name: str) -> Container:
    """Return the container of that name."""
    (found,) = [each for each in pod.containers if each.name == name]
    return found


def term(container: Container, name: str) -> int:
    """Return what of a container's working set is one thing, in bytes."""
    assert container.composition is not None
    return sum(each.estimate_bytes for each in container.composition.terms if each.term == name)


def finding(pod: Pod, cause: str) -> Finding:
    """Return the one finding of that cause."""
    found = [each for each in pod.findings if each.cause == cause]
    assert len(found) == 1, [each.sentence for each in pod.findings]
    return found[0]


def steps_of(*ladders: Ladder | None) -> int:
    """Return how many steps there are; fails where a ladder is missing, or a step outside of its bound."""
    steps = [step for each in ladders if each is not None for step in each.steps]
    assert all(each is not None and each.steps for each in ladders), ladders
    # Of a young run kubectl top's number may be older than all that the agent remembers; the ladder says so.
    told = [step for step in steps if "drift" not in {each.name for each in step.undecided}]
    assert [step for step in told if not step.residual.within_bound] == []
    return len(told)


def holds_anon(container: Container, mib: int) -> int:
    """Return a container's private memory in bytes: what its program holds, and a Python's own."""
    anon = term(container, "anon")
    assert mib * MIB <= anon <= mib * MIB + INTERPRETER_BYTES, f"{container.name}: {anon / MIB:.1f} MiB"
    return anon


def the_gap(snapshot: Snapshot, reason: str) -> Missing:
    """Return the one thing that is missing for that reason, each told once."""
    found = [each for each in snapshot.missing if each.reason == reason]
    assert len(found) == 1, [(each.reason, each.detail) for each in snapshot.missing]
    return found[0]


Say = Callable[[str], None]
"""Notes what a test saw, for the table at the end."""


def mib(size: int) -> str:
    """Return bytes in MiB, for the table."""
    return f"{size / MIB:.1f} MiB"
