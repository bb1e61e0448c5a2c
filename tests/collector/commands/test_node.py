"""`memcollect node`: the stand-in API server, real agents on recorded nodes, and what goes wrong."""

import shutil
import socket
from pathlib import Path

import msgspec
import pytest

from memcollect.commands.run import run
from memcollect.documents.files import read_snapshot
from memcollect.documents.snapshot import Snapshot
from memcollect.testing import NODES, objects
from memcollect_agent.measure.sample import Roots
from memcollect_agent.wire import CgroupTree, CgroupUse, Problem, SampleRequest
from worlds.agent_trees import FIXTURES
from worlds.live_cluster import NODE_6, NODE_7, LiveCluster, agent_serving
from worlds.tcp_agents import http_answer, listening, sample, saying


class Command:
    """`memcollect node` against the live cluster."""

    def __init__(self, live: LiveCluster, path: Path) -> None:
        self.live = live
        self.path = path

    def document(self, *arguments: str, code: int) -> Snapshot:
        written = ["--format", "json", "-o", str(self.path), "--force"]
        assert run(["node", *self.live.options(), *written, *arguments], "memcollect") == code
        return read_snapshot(str(self.path))


@pytest.fixture
def command(live: LiveCluster, tmp_path: Path) -> Command:
    return Command(live, tmp_path / "f.json")


def test_every_node_that_has_an_agent_is_told_and_its_ladder_closes(command: Command) -> None:
    document = command.document(code=0)

    assert sorted(account.node for account in document.accounts) == [NODE_6, NODE_7]
    assert document.missing == []
    for account in document.accounts:
        assert account.ladder is not None
        assert all(step.closed for step in account.ladder.steps[:3])
        assert account.owners is not None
        assert account.owners.residual.within_bound


def test_one_node_is_chosen_by_name(command: Command) -> None:
    (account,) = command.document(NODE_7, code=0).accounts

    assert account.node == NODE_7
    assert account.known_pods


def test_pods_of_the_recording_that_the_api_does_not_have_are_orphans(command: Command) -> None:
    (account,) = command.document(NODE_7, code=0).accounts

    orphans = [each for each in account.holders if each.kind == "orphan"]
    assert [each.path.rpartition("-pod")[2][:8] for each in orphans] == ["ab435739"]
    assert orphans[0].processes
    assert "API server does not know" in account.verdict


def test_a_name_that_no_node_has_is_missing(command: Command) -> None:
    document = command.document("no-such-node", code=3)

    assert document.accounts == []
    assert [(each.kind, each.name, each.reason) for each in document.missing] == [
        ("node", "no-such-node", "gone")
    ]


def test_a_node_without_an_agent_is_missing_and_the_others_are_told(command: Command) -> None:
    command.live.state.put(NODES, objects.node("bare"))
    document = command.document(NODE_7, NODE_6, "bare", code=3)

    assert len(document.accounts) == 2
    assert [each.name for each in document.missing] == ["bare"]


def test_without_the_right_to_node_metrics_the_account_stands_and_says_so(command: Command) -> None:
    command.live.state.access.deny(resource="nodes", group="metrics.k8s.io")
    document = command.document(NODE_7, code=3)

    (account,) = document.accounts
    assert account.top is not None
    assert account.top.memory_bytes is None
    assert [(each.kind, each.reason) for each in document.missing] == [("metrics", "denied")]
    assert account.owners is not None


def test_without_the_right_to_all_pods_nobody_is_called_an_orphan(command: Command) -> None:
    command.live.state.access.deny("list", "pods", group="", namespace="")
    document = command.document(NODE_7, code=3)

    (account,) = document.accounts
    assert account.known_pods is None
    assert {each.kind for each in account.holders} >= {"unnamed"}
    assert not [each for each in account.findings if each.cause == "orphan_pods"]
    assert ("pods", "denied") in {(each.kind, each.reason) for each in document.missing}


def test_without_the_right_to_nodes_only_what_pods_may_have_is_unknown(command: Command) -> None:
    command.live.state.access.deny(resource="nodes", group="")
    document = command.document(NODE_7, code=3)

    (account,) = document.accounts
    assert account.allocatable_bytes is None
    assert [(each.kind, each.reason) for each in document.missing] == [("node", "denied")]


def test_an_agent_that_is_too_old_to_tell_is_missing(command: Command) -> None:
    body = msgspec.msgpack.encode({"sampled_at": 1.0, "finished_at": 2.0, "node": {"name": NODE_7}})
    with listening(saying(http_answer(body))) as port:
        command.live.reach(NODE_7, port)
        document = command.document(NODE_7, code=3)

    assert document.accounts == []
    assert [(each.name, each.reason) for each in document.missing] == [(NODE_7, "unsupported")]
    assert "too old" in document.missing[0].detail


def test_an_agent_on_cgroup_v1_says_what_to_do(command: Command, tmp_path: Path) -> None:
    for name in ("cgroup/memory", "proc", "sys"):
        (tmp_path / name).mkdir(parents=True)
    roots = Roots(cgroup=f"{tmp_path}/cgroup", proc=f"{tmp_path}/proc", sys=f"{tmp_path}/sys")
    with agent_serving(roots) as port:
        command.live.reach(NODE_7, port)
        document = command.document(NODE_7, code=3)

    assert "cgroup v1" in document.missing[0].detail


def test_what_an_agent_could_not_read_of_its_node_is_missing(command: Command, tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "lab-kernel-7.2", tmp_path / "node")
    (tmp_path / "node/proc/meminfo").unlink()
    root = tmp_path / "node"
    with agent_serving(Roots(cgroup=f"{root}/sys/fs/cgroup", proc=f"{root}/proc", sys=f"{root}/sys")) as port:
        command.live.reach(NODE_7, port)
        document = command.document(NODE_7, code=3)

    (account,) = document.accounts
    assert account.verdict.startswith("How much memory this node has is unknown")
    assert "meminfo" in {each.name for each in document.missing}


def test_orphans_whose_agent_fails_when_it_is_asked_for_them_are_told(command: Command) -> None:
    orphan = CgroupUse(
        path=f"/kubepods.slice/kubepods-pod{'1' * 8}_1111_4111_8111_{'1' * 12}.slice", current_bytes=1 << 20
    )

    def once(connection: socket.socket, body: bytes) -> None:
        if msgspec.msgpack.decode(body, type=SampleRequest).tree:
            tree = CgroupTree(read_at=1.0, finished_at=2.0, cgroups=[orphan])
            told = msgspec.structs.replace(sample(NODE_7), tree=tree)
            connection.sendall(http_answer(msgspec.msgpack.encode(told)))
        else:
            connection.sendall(http_answer(b"", status="500 Internal Server Error"))

    with listening(once) as port:
        command.live.reach(NODE_7, port)
        document = command.document(NODE_7, code=3)

    assert [each.kind for each in document.accounts[0].holders] == ["orphan"]
    assert [(each.name, each.reason) for each in document.missing] == [(NODE_7, "agent-error")]


def test_a_pod_whose_cgroup_is_gone_a_moment_later_is_no_orphan(command: Command) -> None:
    uid = f"{'1' * 8}-1111-4111-8111-{'1' * 12}"
    path = f"/kubepods.slice/kubepods-pod{uid.replace('-', '_')}.slice"

    def ends(connection: socket.socket, body: bytes) -> None:
        told = sample(NODE_7)
        if msgspec.msgpack.decode(body, type=SampleRequest).tree:
            use = CgroupUse(path=path, current_bytes=1 << 20)
            tree = CgroupTree(read_at=1.0, finished_at=2.0, cgroups=[use])
            told = msgspec.structs.replace(told, tree=tree)
        else:
            gone = Problem(kind="pod", name=uid, reason="not-found", detail="no cgroup of it")
            told = msgspec.structs.replace(told, problems=[gone])
        connection.sendall(http_answer(msgspec.msgpack.encode(told)))

    with listening(ends) as port:
        command.live.reach(NODE_7, port)
        document = command.document(NODE_7, code=0)

    (account,) = document.accounts
    assert [(each.kind, each.name) for each in account.holders] == [("pod", f"{uid} (deleted meanwhile)")]
    assert "does not know" not in account.verdict


def test_local_with_a_name_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["node", "--local", "worker-1"], "memcollect") == 2
    assert "--local" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--timeout", "5s"], ["--process-ceiling", "1Gi"]])
def test_what_bounds_an_agent_is_refused_of_this_machine(
    option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["node", "--local", *option], "memcollect") == 2
    assert f"{option[0]} has no effect with --local." in capsys.readouterr().err
