"""Nodes that other processes explain: the same document, whatever becomes of the processes."""

import dataclasses
import errno
import multiprocessing
import os
import pickle
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import psutil
import pytest

from memcollect.documents.snapshot import Missing, Pod
from memcollect.explain.summary import Totals, summarise
from memcollect.join import ClusterFacts
from memcollect.kubernetes import objects as kube
from memcollect.kubernetes.usage import Metrics, PodUsage
from memcollect.services import default_table
from memcollect.sources.agent_pods import AgentPod
from memcollect.sources.agents import Answer, Target
from memcollect.taking import allowed
from memcollect.taking.crew import STUCK, Crew, Finished, Work, done, jobs_here
from memcollect.taking.listed import Packed
from memcollect_agent import wire
from worlds import sample_snapshots as samples
from worlds.children import run
from worlds.waiting import wait_until

NODE = wire.Node(name="n", cpus=2, page_size_bytes=4096)
PODS = Path(__file__).parents[2] / "fixtures/kubernetes-1.36/pods.json"


def work(number: int, *, content: bytes | None = None) -> Work:
    """Return a node with one pod that runs and has a cgroup without numbers."""
    uid = f"11111111-2222-3333-4444-{number:012d}"
    pod = kube.Pod(
        metadata=kube.Metadata(name=f"pod-{number}", namespace="team", uid=uid),
        spec=kube.PodSpec(node_name=f"node-{number}"),
        status=kube.PodStatus(phase="Running"),
    )
    sample = wire.NodeSample(
        sampled_at=1.0,
        finished_at=2.0,
        node=NODE,
        pods=[wire.Pod(uid=uid, cgroup=wire.Cgroup(path=f"/{number}", current_bytes=number))],
    )
    target = Target(node=f"node-{number}", agent=AgentPod(node=f"node-{number}", name="agent"))
    content = content or msgspec.msgpack.encode(sample)
    return Work(Answer(target=target, content=content), Packed.of([pod]), ClusterFacts(metrics=Metrics()))


def test_work_reaches_a_process_as_it_was_given() -> None:
    """Even with a number that no kubelet writes, and that MessagePack has no room for."""
    page = msgspec.json.decode(PODS.read_bytes(), type=kube.Page[kube.Pod])
    odd = msgspec.json.decode(b'{"name": "a", "restartCount": 1%s}' % (b"0" * 30), type=kube.ContainerStatus)
    pods = [*(page.items or []), kube.Pod(metadata=kube.Metadata(name="p"), status=status(odd))]
    given = dataclasses.replace(work(1), pods=Packed.of(pods), depth="summary", floors={"largest": 1})

    told = pickle.loads(pickle.dumps(given))  # noqa: S301 - of our own making
    assert told.pods.unpacked() == pods
    assert dataclasses.replace(told, pods=given.pods) == given


def status(container: kube.ContainerStatus) -> kube.PodStatus:
    return kube.PodStatus(phase="Running", container_statuses=[container])


@pytest.fixture(params=["forked", "spawned"])
def crew(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crew]:
    with closing(begun(request.param, monkeypatch)) as made:
        yield made


def begun(how: str, monkeypatch: pytest.MonkeyPatch) -> Crew:
    """Return a crew of two. The runner of these tests may have a thread, which holds no lock meanwhile."""
    monkeypatch.setattr("memcollect.taking.crew.may_fork", lambda: how == "forked")
    made = Crew(2, default_table())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside a thread, since Python 3.12
        made.start(2)
    return made


def names(finished: Finished | None) -> list[str]:
    return [msgspec.json.decode(line, type=Pod).name for line in finished.lines] if finished else ["undone"]


def processes(crew: Crew) -> list[psutil.Process]:
    return [psutil.Process(each.pid) for each in crew._processes.values()]


def test_lines_come_in_the_order_in_which_nodes_were_given(crew: Crew) -> None:
    works = [work(number) for number in range(12)]
    rows = [row for each in works for row in crew.give(each)]
    rows += crew.rest()
    assert [given for given, _ in rows] == works
    assert [names(finished) for _, finished in rows] == [[f"pod-{number}"] for number in range(12)]


def test_a_node_that_a_process_cannot_do_comes_back_undone_and_the_others_done(crew: Crew) -> None:
    works = [work(0), work(1, content=b"no MessagePack"), work(2)]
    rows = [row for each in works for row in crew.give(each)]
    rows += crew.rest()
    assert [names(finished) for _, finished in rows] == [["pod-0"], ["undone"], ["pod-2"]]


def test_what_a_killed_process_had_comes_back_undone_and_nothing_is_lost(crew: Crew) -> None:
    rows = list(crew.give(work(0)))
    for each in processes(crew):
        each.send_signal(signal.SIGKILL)
    works = [work(number) for number in range(1, 5)]
    rows += [row for each in works for row in crew.give(each)]
    rows += crew.rest()
    assert [given.answer.target.node for given, _ in rows] == [f"node-{number}" for number in range(5)]
    assert [names(finished) for _, finished in rows][1:] == [["undone"]] * 4
    assert not crew.is_there
    assert crew.lost == ["killed, as the kernel does where memory is short"] * 2


def test_a_node_without_an_answer_keeps_its_place(crew: Crew) -> None:
    """Told at once, it would stand before nodes that answered earlier."""
    gone = Missing(kind="node", name="node-1", reason="timeout", detail="It did not answer.")
    told = Answer(target=work(1).answer.target, failure=gone)
    works = [work(0), dataclasses.replace(work(1), answer=told), work(2)]
    rows = [row for each in works for row in crew.give(each)]
    rows += crew.rest()
    assert [given for given, _ in rows] == works
    assert [names(finished) for _, finished in rows] == [["pod-0"], ["undone"], ["pod-2"]]


@pytest.mark.parametrize("size_bytes", [0, 4 << 20], ids=["answers", "listens"])
def test_a_process_that_no_longer_answers_or_listens_is_ended_and_its_node_comes_back(
    monkeypatch: pytest.MonkeyPatch, size_bytes: int
) -> None:
    monkeypatch.setattr("memcollect.taking.crew._PATIENCE_SECONDS", 5)
    with closing(begun("forked", monkeypatch)) as crew:
        both = processes(crew)
        both[-1].suspend()
        works = [work(number, content=os.urandom(size_bytes)) for number in range(6)]
        rows = [row for each in works for row in crew.give(each)]
        rows += crew.rest()
        assert [given for given, _ in rows] == works
        assert crew.lost == [STUCK]
        assert [_lives(each) for each in both] == [True, False]


def test_the_end_waits_for_no_process_that_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    crew = begun("forked", monkeypatch)
    both = processes(crew)
    for each in both:
        each.suspend()
    crew.close()
    assert not any(_lives(each) for each in both)


def test_a_process_that_runs_out_of_memory_ends_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("memcollect.taking.crew._do", full)
    with closing(begun("forked", monkeypatch)) as crew:
        rows = [*crew.give(work(0)), *crew.give(work(1)), *crew.give(work(2)), *crew.rest()]
        assert [names(finished) for _, finished in rows] == [["undone"]] * 3
        assert crew.lost == ["out of memory"] * 2
    assert capfd.readouterr().err == ""


def test_where_not_all_processes_can_be_begun_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Descriptors, for example, are wanted for port-forwards, too."""
    pipes = [multiprocessing.Pipe()]

    def pipe() -> object:
        if not pipes:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return pipes.pop()

    monkeypatch.setattr(multiprocessing, "Pipe", pipe)
    with closing(begun("forked", monkeypatch)) as crew:
        assert crew.not_begun == "Too many open files"
        assert not crew.is_there
        assert [names(finished) for _, finished in crew.give(work(0))] == [["undone"]]


def test_the_processes_end_with_the_crew(crew: Crew) -> None:
    list(crew.give(work(0)))
    alive = processes(crew)
    assert len(alive) == 2
    crew.close()
    assert not any(each.is_running() for each in alive)


def test_ctrl_c_is_for_who_gives_the_work(crew: Crew) -> None:
    rows = list(crew.give(work(0)))
    rows += crew.rest()
    for each in processes(crew):
        each.send_signal(signal.SIGINT)
    rows += [*crew.give(work(1)), *crew.rest()]
    assert [names(finished) for _, finished in rows] == [["pod-0"], ["pod-1"]]


def test_a_process_ends_when_nobody_is_left_to_work_for(crew: Crew) -> None:
    alive = processes(crew)
    list(crew.rest())
    for connection in crew._idle:
        connection.close()
    wait_until(lambda: not any(_lives(each) for each in alive))


def test_a_process_ends_with_its_own_pipe_though_the_others_live(crew: Crew) -> None:
    """A fork has copies of the pipes that were there before it: kept, they would hold their processes."""
    first, second = processes(crew)
    crew._idle[0].close()
    wait_until(lambda: not _lives(first))
    assert _lives(second)


def test_a_forked_process_holds_open_nothing_of_who_forked_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with (tmp_path / "snapshot.json").open("w") as held, closing(begun("forked", monkeypatch)) as crew:
        list(crew.give(work(0)))
        assert [names(finished) for _, finished in crew.rest()] == [["pod-0"]]
        answered = processes(crew)[-1]
        paths = {path.readlink() for path in Path(f"/proc/{answered.pid}/fd").iterdir()}
        assert Path(held.name) not in paths
        assert len([path for path in paths if path.name.startswith("socket:")]) == 1


def test_a_forked_process_ends_with_sigterm_whatever_handles_it_here(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        crew = begun("forked", monkeypatch)
        alive = processes(crew)
        for each in alive:
            each.send_signal(signal.SIGTERM)
        wait_until(lambda: not any(_lives(each) for each in alive))
        crew.close()
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_process_with_another_thread_is_not_forked() -> None:
    program = (
        "import threading; from memcollect.taking.crew import may_fork; print(may_fork());"
        " threading.Thread(target=threading.Event().wait, daemon=True).start(); print(may_fork())"
    )
    assert run([sys.executable, "-c", program], check=True).stdout.split() == ["True", "False"]


def _lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_a_process_loads_nothing_of_the_cluster_client_or_the_terminal() -> None:
    """Each loads what the module needs: the client alone would be as much again as all the rest."""
    names = ("kubernetes", "yaml", "click", "rich", "psutil")
    program = "import sys, memcollect.taking.crew; print({*sys.argv[1:]} & {*sys.modules})"
    loaded = run([sys.executable, "-c", program, *names], check=True)
    assert loaded.stdout.strip() == "set()"


def test_a_pod_without_a_cgroup_is_left_to_who_can_ask_the_api() -> None:
    given = work(0)
    empty = msgspec.msgpack.decode(given.answer.content or b"", type=wire.NodeSample)
    other = msgspec.structs.replace(empty.pods[0], uid="another")
    nobody = msgspec.msgpack.encode(msgspec.structs.replace(empty, pods=[other]))
    assert done(given, default_table()) is not None
    assert done(work(0, content=nobody), default_table()) is None


def test_each_process_is_told_its_own_pods_alone() -> None:
    usages = {("team", name): PodUsage(namespace="team", name=name, timestamp=0.0) for name in ("pod-0", "x")}
    facts = ClusterFacts(metrics=Metrics(pods=usages))
    assert list(facts.narrowed([("team", "pod-0")]).metrics.pods) == [("team", "pod-0")]


def test_totals_of_nodes_come_to_the_totals_of_their_pods() -> None:
    pods = [samples.pod(f"p{number}", uid=f"u{number}", node=f"n{number % 2}") for number in range(5)]
    whole = Totals()
    for some in (pods[:2], pods[2:], []):
        part = Totals()
        for pod in some:
            part.add(pod)
        whole.include(part)
    assert whole.summary([]) == summarise(pods, [])


@pytest.mark.parametrize(
    ("nodes", "cpus", "available", "jobs"),
    [
        (99, 8, 64 << 30, 1),
        (100, 8, 64 << 30, 8),
        (5000, 64, 64 << 30, 16),
        (100, 8, 1 << 30, 2),
        (100, 8, 0, 1),
    ],
)
def test_the_default_is_what_cpus_and_memory_allow(
    monkeypatch: pytest.MonkeyPatch, nodes: int, cpus: int, available: int, jobs: int
) -> None:
    monkeypatch.setattr(allowed, "cpus", lambda: cpus)
    monkeypatch.setattr(allowed, "memory_bytes", lambda: available)
    assert jobs_here(nodes) == jobs
