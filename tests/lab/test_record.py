"""A node of a real kernel, recorded there and explained here: the same as it was told there."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from msgspec import Struct

from lab.compile import compiled
from lab.contradictions import contradiction, tolerance
from lab.explained import outside_bounds
from lab.truth import Truth
from memcollect.commands.run import run
from memcollect.documents.files import read_snapshot
from memcollect.documents.snapshot import Pod, Snapshot
from memcollect.lab import space, uml
from memcollect.lab.kernels import Kernel

pytestmark = pytest.mark.lab


class Told(Struct, frozen=True, kw_only=True):
    """What was said of one node, live and of its recording."""

    truths: list[Truth]
    live: Snapshot
    replayed: Snapshot
    public: Snapshot
    """Of the recording that was redacted first."""


@pytest.fixture(scope="module")
def told(kernel: Kernel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with tempfile.TemporaryDirectory(dir=space.files_directory(64 << 20)) as name:
        shared = Path(name)
        machine = uml.Machine(
            kernel=kernel,
            command=[sys.executable, "-m", "lab.record_runner", str(compiled(shared)), name],
            disk_bytes=256 << 20,
            time_limit_seconds=1200,
        )
        said: list[str] = []
        outcome = uml.boot(machine, said.append)
        assert outcome.exit_code == 0, "\n".join([*said, *outcome.errors, outcome.kernel_log[-2000:]])
        here = tmp_path_factory.mktemp("told")
        recording, public = shared / "node.tar.gz", here / "public.tar.gz"
        assert run(["redact", str(recording), "-o", str(public)], "memcollect") == 0
        yield Told(
            truths=msgspec.json.decode((shared / "truths.json").read_bytes(), type=list[Truth]),
            live=read_snapshot(str(shared / "live.json")),
            replayed=replayed(recording, here / "replayed.json"),
            public=replayed(public, here / "public.json"),
        )


def replayed(recording: Path, into: Path) -> Snapshot:
    words = ["--local", "--root", str(recording), "--include-processes", "--format", "json", "-o", str(into)]
    assert run(["snapshot", *words], "memcollect") == 0
    return read_snapshot(str(into))


def test_a_replay_says_of_every_pod_what_was_true_on_the_node(told: Told) -> None:
    assert [problem for truth in told.truths if (problem := contradiction(told.replayed, truth))] == []
    assert outside_bounds(told.replayed) == {}
    assert told.replayed.missing == []


def test_a_replay_gives_the_same_explanation_as_the_live_node(told: Told) -> None:
    live, again = ({pod.full_name: pod for pod in each.pods} for each in (told.live, told.replayed))
    assert live.keys() == again.keys()
    assert len(live) == 3
    for name, pod in live.items():
        assert causes(again[name]) == causes(pod), name
        apart = {
            term: (size, there)
            for term, size in amounts(pod).items()
            if abs(size - (there := amounts(again[name]).get(term, 0))) > tolerance(size)
        }
        assert apart == {}, name


def causes(pod: Pod) -> set[tuple[str, str]]:
    return {(each.cause, each.scope) for each in pod.findings}


def amounts(pod: Pod) -> dict[str, int]:
    assert pod.composition is not None
    return {each.term: each.estimate_bytes for each in pod.composition.terms}


def test_redacted_it_says_the_same_to_the_byte_and_no_name(told: Told) -> None:
    def numbers(snapshot: Snapshot) -> list[str]:
        return sorted(
            repr((pod.composition, sorted(each.cause for each in pod.findings))) for pod in snapshot.pods
        )

    assert numbers(told.public) == numbers(told.replayed)
    text = msgspec.json.encode(told.public).decode()
    assert [pod.name for pod in told.replayed.pods if f'"{pod.name}"' in text] == []
