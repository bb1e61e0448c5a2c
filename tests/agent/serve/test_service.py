from http import HTTPStatus
from pathlib import Path

import msgspec
import pytest

from memcollect_agent.errors import UnsupportedError
from memcollect_agent.history import Recorder, Settings
from memcollect_agent.measure.sample import sample_node
from memcollect_agent.serve.answers import JSON, MESSAGE_PACK, Refusal
from memcollect_agent.serve.service import Permissions, Service
from memcollect_agent.wire import History, HistoryRequest, NodeSample, SampleRequest
from worlds.agent_trees import recorded
from worlds.pod_tree import PodTree, uid
from worlds.served_agents import empty_sample

CONDITION = "systemd-kernel-7.2"
UID = "476ef1fb-90cb-446a-989f-e9a1ed217abf"


def sampled(service: Service, request: SampleRequest) -> NodeSample:
    answer = service.sample(msgspec.msgpack.encode(request), MESSAGE_PACK, MESSAGE_PACK, lenient=True)
    return msgspec.msgpack.decode(answer.body, type=NodeSample)


def recording_service() -> Service:
    roots = recorded(CONDITION)
    recorder = Recorder(roots.cgroup, Settings(max_kept_open=0))
    recorder.tick()
    recorder.tick()
    return Service(lambda request: sample_node(request, roots), recorder)


def test_history_comes_along_when_asked_for_and_speaks_of_the_same_cgroups() -> None:
    sample = sampled(recording_service(), SampleRequest(pod_uids=[UID], history=True))
    assert sample.history is not None
    cgroups = {one.inode: one for one in sample.history.cgroups}
    pod = sample.pods[0]
    for measured in (pod.cgroup, *(container.cgroup for container in pod.containers)):
        assert measured.inode is not None
        assert measured.stat is not None
        ring = cgroups.pop(measured.inode)
        assert ring.path == measured.path
        assert ring.current_bytes == [measured.current_bytes] * 2
        assert ring.stat["anon"] == [measured.stat["anon"]] * 2
    assert cgroups == {}


def test_history_does_not_come_unasked() -> None:
    assert sampled(recording_service(), SampleRequest(pod_uids=[UID])).history is None


def test_history_since_bounds_the_points_that_come_along() -> None:
    sample = sampled(recording_service(), SampleRequest(pod_uids=[UID], history=True, history_since=1e12))
    assert sample.history is not None
    assert {len(one.times) for one in sample.history.cgroups} == {1}


def test_an_agent_without_history_says_so_and_still_measures() -> None:
    sample = sampled(Service(empty_sample, None), SampleRequest(history=True))
    assert sample.history is None
    assert [(problem.name, problem.reason) for problem in sample.problems] == [("history", "unsupported")]
    assert "--history off" in sample.problems[0].detail


def test_history_alone_is_answered_for_the_pods_asked_for(tmp_path: Path) -> None:
    tree = PodTree(tmp_path)
    tree.add_pod(1, current=7)
    tree.add_pod(2)
    recorder = Recorder(str(tree.cgroup))
    recorder.tick()
    body = msgspec.json.encode(HistoryRequest(pod_uids=[uid(1)]))
    answer = Service(empty_sample, recorder).history(body, JSON, JSON, lenient=False)
    recorder.close()
    history = msgspec.json.decode(answer.body, type=History)
    assert [(one.pod_uid, one.current_bytes) for one in history.cgroups] == [(uid(1), [7])]


def test_history_alone_is_not_found_where_none_is_kept() -> None:
    with pytest.raises(Refusal, match="keeps no history") as caught:
        Service(empty_sample, None).history(b"{}", JSON, JSON, lenient=False)
    assert caught.value.status == HTTPStatus.NOT_FOUND


def test_a_time_budget_is_cut_to_the_agents_own() -> None:
    service = Service(empty_sample, None, Permissions(max_seconds=7.0))
    assert sampled(service, SampleRequest(time_budget_seconds=600.0)).node.name == "7"
    assert sampled(service, SampleRequest(time_budget_seconds=3.0)).node.name == "3"


def test_whole_command_lines_need_the_agents_permission() -> None:
    with pytest.raises(Refusal, match="--allow-full-commands") as caught:
        sampled(Service(empty_sample, None), SampleRequest(full_commands=True))
    assert caught.value.status == HTTPStatus.FORBIDDEN
    allowed = Service(empty_sample, None, Permissions(full_commands=True))
    assert sampled(allowed, SampleRequest(full_commands=True)).node.name == "10"


def test_a_node_that_cannot_be_measured_is_one_sentence() -> None:
    def failing(_request: SampleRequest) -> NodeSample:
        raise UnsupportedError("memory is on cgroup v1: reboot\x1b[2J")

    with pytest.raises(Refusal) as caught:
        sampled(Service(failing, None), SampleRequest())
    assert caught.value.status == HTTPStatus.INTERNAL_SERVER_ERROR
    assert caught.value.sentence == "The node cannot be measured: memory is on cgroup v1: reboot\\x1b[2J."


def test_a_field_that_is_not_known_is_a_problem_in_the_sample() -> None:
    answer = Service(empty_sample, None).sample(b'{"zoom": 1}', JSON, JSON, lenient=True)
    sample = msgspec.json.decode(answer.body, type=NodeSample)
    assert [(problem.name, problem.reason) for problem in sample.problems] == [("zoom", "unsupported")]
