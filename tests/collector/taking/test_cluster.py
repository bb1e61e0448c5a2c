"""A collection node by node: in which order what is asked, and what is left when something is not there."""

import gc
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import msgspec
import pytest

from memcollect.documents.snapshot import Pod
from memcollect.errors import DeniedError
from memcollect.services import default_table
from memcollect.sources.agents import Limits
from memcollect.sources.api import Api, Patience
from memcollect.sources.direct import DirectTransport
from memcollect.sources.kube_config import connect
from memcollect.sources.pods import Selection
from memcollect.sources.transport import Endpoint
from memcollect.taking.cluster import Collection, Plan
from memcollect.taking.crew import Crew, Finished
from memcollect.testing import POD_METRICS, PODS, RUNTIME_CLASSES, Cluster, Fault, StandInCluster, objects
from memcollect_agent import wire
from worlds.live_cluster import agent_pod
from worlds.tcp_agents import Behaviour, hanging, http_answer, listening
from worlds.waiting import wait_until

ALL = Selection(namespaces=["team"])
ALL_METRICS = "/apis/metrics.k8s.io/v1beta1/pods"
METRICS = "/apis/metrics.k8s.io/v1beta1/namespaces/team/pods"
Seen = list[wire.SampleRequest]


class Site:
    """A cluster whose agents are reached directly."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.state = Cluster()
        server = stack.enter_context(StandInCluster(self.state))
        self.api = stack.enter_context(
            Api(connect(str(server.kubeconfig(directory / "config"))), Patience(timeout=0.5, total=1.0))
        )
        self._stack = stack
        self._ports: dict[str, int] = {}

    def node(self, name: str, *pods: str, agent: Behaviour | None) -> None:
        for pod in pods:
            self.state.put(PODS, objects.pod("team", pod, node=name, uid=f"uid-{pod}"))
        if agent is not None:
            self.state.put(PODS, agent_pod(name))
            self._ports[name] = self._stack.enter_context(listening(agent))

    def collection(
        self, selection: Selection = ALL, *, file_limit: int = 0, concurrency: int = 32, **more: object
    ) -> Collection:
        limits = Limits(timeout=4.0, concurrency=concurrency)
        plan = Plan(selection=selection, limits=limits, file_limit=file_limit)
        return Collection(self.api, plan, lambda: DirectTransport(self._locate), **more)  # type: ignore[arg-type]

    def refuse(self, node: str) -> None:
        """Have nobody listen where the node's agent is looked for."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self._ports[node] = taken.getsockname()[1]

    def _locate(self, endpoint: Endpoint) -> tuple[str, int]:
        return "127.0.0.1", self._ports[endpoint.node]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(tmp_path, stack)


def measuring(node: str, seen: Seen | None = None, *, schema: int = wire.SCHEMA_VERSION) -> Behaviour:
    """Answer with a cgroup for every pod that was asked for."""

    def answer(connection: socket.socket, body: bytes) -> None:
        request = msgspec.msgpack.decode(body, type=wire.SampleRequest)
        if seen is not None:
            seen.append(request)
        pods = [wire.Pod(uid=uid, cgroup=wire.Cgroup(path=f"/pod{uid}")) for uid in request.pod_uids or []]
        sample = wire.NodeSample(sampled_at=1.0, finished_at=2.0, node=wire.Node(name=node), pods=pods)
        connection.sendall(http_answer(msgspec.msgpack.encode(sample), schema=str(schema)))

    return answer


def measured(pods: list[Pod]) -> dict[str, bool]:
    return {pod.name: pod.cgroup is not None for pod in pods}


def test_an_agent_is_asked_for_the_pods_of_its_node_that_were_selected_and_for_history(site: Site) -> None:
    seen: Seen = []
    site.node("n1", "a", "b", agent=measuring("n1", seen))
    site.state.put(PODS, objects.pod("other", "c", node="n1"))
    collection = site.collection()
    assert measured(list(collection.pods())) == {"a": True, "b": True}
    assert sorted(seen[0].pod_uids or []) == ["uid-a", "uid-b"]
    assert (seen[0].history, len(seen)) == (True, 1)
    assert seen[0].time_budget_seconds == pytest.approx(3.2)
    assert [node.name for node in collection.nodes] == ["n1"]


def test_for_the_files_of_one_pod_its_node_alone_is_asked_and_for_that_pod_alone(site: Site) -> None:
    seen: Seen = []
    site.node("n1", "a", "b", agent=measuring("n1", seen))
    site.node("n2", "c", agent=measuring("n2", seen))
    collection = site.collection(Selection(names=["team/a"]), file_limit=500)
    assert measured(list(collection.pods())) == {"a": True}
    assert [(each.pod_uids, each.file_limit) for each in seen] == [(["uid-a"], 500)]


def test_history_is_asked_for_from_before_the_earliest_sample(site: Site) -> None:
    seen: Seen = []
    site.node("n1", "a", agent=measuring("n1", seen))
    metrics = objects.pod_metrics("team", "a", "2026-01-01T00:00:30Z", {"main": 4096})
    site.state.put(POD_METRICS, metrics)
    list(site.collection().pods())
    assert seen[0].history_since == 1767225620.0


def test_the_metrics_are_asked_before_the_agents_and_the_pods_before_both(site: Site) -> None:
    """So every agent's number is younger than the sample it is held against."""
    site.node("n1", "a", agent=measuring("n1"))
    steps: list[str] = []
    list(site.collection(progress=lambda what, _done, _of: steps.append(what)).pods())
    assert list(dict.fromkeys(steps)) == ["listing pods", "asking the metrics API", "asking agents"]


def test_the_garbage_collector_waits_while_a_list_grows_and_no_longer(site: Site) -> None:
    site.node("n1", "a", agent=measuring("n1"))
    steps: dict[str, bool] = {}
    collection = site.collection(progress=lambda what, _done, _of: steps.setdefault(what, gc.isenabled()))
    kept = gc.get_freeze_count()
    rows = collection.pods()
    assert (next(rows).name, gc.isenabled()) == ("a", True)
    assert gc.get_freeze_count() > kept
    assert steps == {"listing pods": False, "asking the metrics API": False, "asking agents": True}
    assert (list(rows), gc.isenabled(), gc.get_freeze_count()) == ([], True, 0)


def test_the_garbage_collector_is_as_it_was_after_a_list_that_cannot_be_had(site: Site) -> None:
    site.state.fault(Fault("/api/v1/namespaces/team/pods", status=403))
    with pytest.raises(DeniedError):
        list(site.collection().pods())
    assert (gc.isenabled(), gc.get_freeze_count()) == (True, 0)


def test_pods_come_as_their_nodes_answer(site: Site) -> None:
    """The first rows are there while another agent is still waited for."""
    site.node("n1", "a", agent=measuring("n1"))
    site.node("n2", "b", agent=hanging)
    rows = site.collection().pods()
    assert next(rows).name == "a"
    assert [(pod.name, bool(pod.unmeasured)) for pod in rows] == [("b", True)]


def test_once_stopped_nobody_is_waited_for_and_the_rest_is_missing(site: Site) -> None:
    site.node("n1", "a", agent=measuring("n1"))
    site.node("n2", "b", agent=hanging)
    rows: list[Pod] = []
    collection = site.collection(stopped=lambda: bool(rows))
    for row in collection.pods():
        rows.append(row)  # noqa: PERF402 - it is looked at meanwhile
    assert measured(rows) == {"a": True, "b": False}
    assert collection.interrupted
    assert [(each.name, each.reason) for each in collection.missing if each.kind == "pod"] == [
        ("team/b", "interrupted")
    ]


def test_stopped_when_all_have_answered_is_not_interrupted(site: Site) -> None:
    site.node("n1", "a", agent=measuring("n1"))
    rows: list[Pod] = []
    collection = site.collection(stopped=lambda: bool(rows))
    rows += collection.pods()
    assert (measured(rows), collection.interrupted) == ({"a": True}, False)


def test_pods_on_no_node_are_rows_and_missing(site: Site) -> None:
    site.node("n1", "a", agent=measuring("n1"))
    site.state.put(PODS, objects.pod("team", "waits", phase="Pending"))
    collection = site.collection()
    assert measured(list(collection.pods())) == {"waits": False, "a": True}
    assert ("team/waits", "pending") in [(each.name, each.reason) for each in collection.missing]


def test_a_finished_pod_beside_a_running_one_comes_along(site: Site) -> None:
    site.node("n1", "a", agent=measuring("n1"))
    site.state.put(PODS, objects.pod("team", "done", node="n1", uid="uid-done", phase="Succeeded"))
    assert measured(list(site.collection().pods())) == {"a": True, "done": True}


def test_runtime_classes_that_cannot_be_had_cost_their_handlers_only(site: Site) -> None:
    site.node("n1", agent=measuring("n1"))
    site.state.put(PODS, objects.pod("team", "a", node="n1", uid="uid-a", runtime_class="sandboxed"))
    site.state.put(RUNTIME_CLASSES, objects.runtime_class("sandboxed", "runsc"))
    site.state.fault(Fault("/apis/node.k8s.io", times=None, status=403))
    collection = site.collection()
    (row,) = collection.pods()
    assert (row.runtime.runtime_class, row.runtime.handler) == ("sandboxed", None)
    assert row.cgroup is not None
    assert ("runtimeclasses", "denied") in [(each.kind, each.reason) for each in collection.missing]


@pytest.mark.parametrize("selection", [ALL, Selection()])
def test_agents_that_may_not_be_listed_are_an_error_that_names_the_right(
    site: Site, selection: Selection
) -> None:
    site.node("n1", "a", agent=measuring("n1"))
    site.state.put(PODS, objects.pod("team", "waits", phase="Pending"))
    site.state.fault(Fault("/api/v1/namespaces/memcollect", times=None, status=403))
    rows = site.collection(selection).pods()
    assert next(rows).name == "waits"
    with pytest.raises(DeniedError, match="list pods in namespace memcollect"):
        list(rows)


def test_while_pods_are_listed_the_metrics_are_asked_and_of_everything_the_agents_listed(
    site: Site,
) -> None:
    site.node("n1", "a", agent=measuring("n1"))
    site.state.fault(Fault("/api/v1/pods", status=503))
    meanwhile = {ALL_METRICS, "/api/v1/namespaces/memcollect/pods"}

    def pause(_seconds: float) -> None:
        wait_until(lambda: meanwhile <= set(site.state.requests.paths()))

    site.api = Api(site.api.cluster, Patience(), pause)
    assert {"a": True}.items() <= measured(list(site.collection(Selection()).pods())).items()
    paths = site.state.requests.paths()
    assert max(map(paths.index, meanwhile)) < len(paths) - 1 - paths[::-1].index("/api/v1/pods")
    assert [paths.count(each) for each in meanwhile] == [1, 1]


def test_pods_that_may_not_be_listed_are_an_error_at_once_though_metrics_are_waited_for(site: Site) -> None:
    site.state.fault(Fault(METRICS, hang=True), Fault("/api/v1/namespaces/team/pods", status=403))
    site.api = Api(site.api.cluster, Patience(timeout=60.0))
    before = time.monotonic()
    with pytest.raises(DeniedError, match="list pods in namespace team"):
        list(site.collection().pods())
    assert time.monotonic() - before < 30.0


def test_what_is_missing_of_the_metrics_and_of_the_agents_is_told_in_the_order_of_the_steps(
    site: Site,
) -> None:
    site.node("n1", "a", agent=measuring("n1"))
    site.state.put(PODS, {**agent_pod("n9"), "status": {"containerStatuses": 5}})
    site.state.put(POD_METRICS, {**objects.pod_metrics("team", "a", "", {}), "containers": 5})
    collection = site.collection(Selection())
    list(collection.pods())
    told = [(each.kind, each.name) for each in collection.missing if each.reason == "malformed"]
    odd = ("pod", f"memcollect/{agent_pod('n9')['metadata']['name']}")
    assert told == [odd, ("podmetrics", "team/a"), odd]


def test_nothing_selected_is_one_missing_entry_and_no_agent_is_asked(site: Site) -> None:
    collection = site.collection(Selection(namespaces=["team"], selector="a=b"))
    assert list(collection.pods()) == []
    assert [(each.kind, each.reason) for each in collection.missing] == [("selection", "no-match")]
    # Once with the selector, and once without, to name the sandboxes that it missed.
    paths = [each for each in site.state.requests.paths() if each != METRICS]
    assert paths == ["/api/v1/namespaces/team/pods"] * 2


def test_names_that_no_pod_has_are_missing_one_by_one_and_no_more(site: Site) -> None:
    collection = site.collection(Selection(namespaces=["team"], names=["x", "y"]))
    assert list(collection.pods()) == []
    assert [(each.name, each.reason) for each in collection.missing] == [
        ("x", "not-found"),
        ("y", "not-found"),
    ]


@pytest.mark.parametrize("killed", [1, 2])
def test_whatever_becomes_of_agents_and_processes_every_pod_is_told_once_and_in_its_place(
    site: Site, killed: int
) -> None:
    """Half the agents cannot be reached, or are too new to be understood; the others are of two versions."""
    for number in range(4):
        site.node(f"same-{number}", f"a-{number}", agent=measuring(f"same-{number}"))
        newer = measuring(f"newer-{number}", schema=wire.SCHEMA_VERSION + 1)
        site.node(f"newer-{number}", f"b-{number}", agent=newer)
        strange = measuring(f"strange-{number}", schema=wire.SCHEMA_VERSION + 5)
        site.node(f"strange-{number}", f"c-{number}", agent=strange)
        site.node(f"gone-{number}", f"d-{number}", agent=hanging)
        site.refuse(f"gone-{number}")
    alone = site.collection(concurrency=1)
    expected = measured(list(alone.pods()))
    assert sorted(expected.values()) == [False] * 8 + [True] * 8

    shared = site.collection(concurrency=1)
    told: list[Pod] = []
    with closing(Crew(2, default_table())) as crew:
        for row in shared.rows(crew):
            if not told:
                for process in [*crew._processes.values()][:killed]:
                    process.kill()
            lines = row.lines if isinstance(row, Finished) else [msgspec.json.encode(row)]
            told += [msgspec.json.decode(line, type=Pod) for line in lines]
    assert [pod.name for pod in told] == list(expected)
    assert measured(told) == expected
    assert shared.missing == alone.missing
    assert {gap.reason for gap in shared.missing if gap.kind == "pod"} == {"version", "agent-refused"}
    assert shared.nodes == alone.nodes
