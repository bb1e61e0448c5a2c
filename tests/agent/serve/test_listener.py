"""The service over real HTTP: what each request gets, and what many at once get."""

import contextlib
import logging
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

import memcollect_agent
from memcollect_agent.history import Recorder
from memcollect_agent.measure.sample import Roots, sample_node
from memcollect_agent.serve import deadlines
from memcollect_agent.serve.bodies import MAX_BODY_BYTES
from memcollect_agent.serve.listener import MAX_CONNECTIONS, THREADS
from memcollect_agent.serve.seldom import MOST_LINES
from memcollect_agent.serve.service import MOST_DIFFERENT, MOST_SAMPLING, Service
from memcollect_agent.wire import NodeSample, SampleRequest
from worlds.agent_trees import recorded
from worlds.pod_tree import PodTree
from worlds.served_agents import ask, empty_sample, served, serving
from worlds.waiting import PATIENCE, wait_until


class SlowSampling:
    """Counts its runs, and how many ran at once; each ends when `finish` is set."""

    def __init__(self) -> None:
        self.requests: list[SampleRequest] = []
        self.finish = threading.Event()
        self.at_once = 0
        self.most_at_once = 0

    def __call__(self, request: SampleRequest) -> NodeSample:
        self.requests.append(request)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        assert self.finish.wait(PATIENCE)
        self.at_once -= 1
        return empty_sample(request)


@pytest.mark.parametrize("condition", ["systemd-kernel-7.2", "cgroupfs-init-tmpfs-kernel-7.2"])
def test_a_recorded_node_comes_over_the_wire_as_it_is_measured(condition: str) -> None:
    roots = recorded(condition)
    with served(lambda request: sample_node(request, roots, node_name="n")) as port:
        reply = ask(port, body=b'{"process_limit": 2}')
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/msgpack")
    sample = msgspec.msgpack.decode(reply.body, type=NodeSample)
    direct = sample_node(SampleRequest(process_limit=2), roots, node_name="n")
    assert [pod.uid for pod in sample.pods] == [pod.uid for pod in direct.pods]
    assert [pod.cgroup.current_bytes for pod in sample.pods] == [
        pod.cgroup.current_bytes for pod in direct.pods
    ]
    assert sum(len(each.processes) for pod in sample.pods for each in pod.containers) > 5


def test_json_comes_when_json_is_accepted() -> None:
    with served() as port:
        reply = ask(port, Accept="application/json")
    assert reply.headers["Content-Type"] == "application/json"
    assert msgspec.json.decode(reply.body, type=NodeSample).node.name == "10"


def test_every_answer_tells_versions_and_no_server() -> None:
    with served() as port:
        replies = [ask(port), ask(port, "/healthz", b"", "GET"), ask(port, "/x"), ask(port, body=b"{")]
    for reply in replies:
        assert reply.headers["Memcollect-Schema"] == "1"
        assert reply.headers["Memcollect-Agent"] == memcollect_agent.__version__
        assert "Server" not in reply.headers


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/v1/sample", 405, "POST"),
        ("DELETE", "/v1/history", 405, "POST"),
        ("POST", "/healthz", 405, "GET"),
        ("POST", "/", 404, None),
        ("POST", "/v1/sample/", 404, None),
        ("POST", "/v1/../v1/sample", 404, None),
    ],
)
def test_other_methods_and_paths_are_refused(method: str, path: str, status: int, allow: str | None) -> None:
    with served() as port:
        reply = ask(port, path, method=method)
    assert (reply.status, reply.headers["Allow"]) == (status, allow)
    assert reply.text.count("\n") == 1


def test_health_is_answered_beside_the_questions_too() -> None:
    with served() as port:
        reply = ask(port, "/healthz", b"", "GET")
    assert (reply.status, reply.text) == (200, "ok\n")


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content_Type": "text/plain"}, b"{}", 415),
        ({"Content_Type": None}, b"{}", 415),
        ({}, b"{", 400),
        ({}, b'{"proces_limit": 1}', 400),
        ({"Memcollect_Schema": "x"}, b"{}", 400),
        ({"Memcollect_Schema": "7"}, b"{}", 426),
        ({"Origin": "http://evil.example"}, b"{}", 403),
        ({"Host": "rebound.evil.example:7070"}, b"{}", 403),
        ({"Host": "127.0.0.1.evil.example"}, b"{}", 403),
        ({"Host": "localhost.evil.example"}, b"{}", 403),
        ({"Host": ""}, b"{}", 403),
        ({}, b'{"full_commands": true}', 403),
        ({}, b" " * (MAX_BODY_BYTES + 1), 413),
    ],
)
def test_each_refusal_has_its_status(headers: dict[str, str | None], body: bytes, status: int) -> None:
    with served() as port:
        reply = ask(port, "/v1/sample", body, "POST", **headers)
    assert reply.status == status
    assert "Traceback" not in reply.text


@pytest.mark.parametrize("spoken", ["0", "1", "2", "1-3", None])
def test_neighbouring_schemas_are_answered(spoken: str | None) -> None:
    with served() as port:
        assert ask(port, Memcollect_Schema=spoken).status == 200


def test_a_newer_collectors_field_does_not_stop_an_older_agent() -> None:
    with served() as port:
        reply = ask(port, body=b'{"novelty": true}', Memcollect_Schema="2")
    sample = msgspec.msgpack.decode(reply.body, type=NodeSample)
    assert [problem.name for problem in sample.problems] == ["novelty"]


def test_a_body_that_is_announced_far_too_large_is_refused_before_it_comes() -> None:
    with served() as port, socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        client.sendall(b"POST /v1/sample HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_chunked_body_is_bounded_too() -> None:
    with served() as port, socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        client.sendall(b"POST /v1/sample HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n")
        client.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
        client.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (MAX_BODY_BYTES + 1, b" " * (MAX_BODY_BYTES + 1)))
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_fault_of_our_own_is_an_answer_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_request: SampleRequest) -> NodeSample:
        raise ZeroDivisionError("secret path /x")

    with caplog.at_level(logging.WARNING), served(broken) as port:
        replies = [ask(port), ask(port, "/v1/nothing")]
    assert [reply.status for reply in replies] == [500, 404]
    assert replies[0].text == "The agent failed (ZeroDivisionError); its log says where: please report it.\n"
    assert "broken at" not in replies[0].text
    assert any("ZeroDivisionError at broken:" in record.getMessage() for record in caplog.records)


def test_a_machine_on_cgroup_v1_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    roots = Roots(proc=str(tmp_path), cgroup=str(tmp_path), sys=str(tmp_path))
    with served(lambda request: sample_node(request, roots)) as port:
        reply = ask(port)
    assert reply.status == 500
    assert reply.text.startswith(
        "The node cannot be measured: the memory controller of this machine is on cgroup v1"
    )
    assert reply.text.count("\n") == 1


def test_refusals_are_one_escaped_line_each_and_good_requests_none(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "memcollect_agent"), served() as port:
        assert ask(port).status == 200
        assert ask(port, "/%1b%5b2J%0a" + "x" * 500).status == 404
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("memcollect_agent")]
    assert len(lines) == 1
    assert lines[0].startswith("refused POST /\\x1b[2J\\nxxx")
    assert len(lines[0]) < 300


@pytest.mark.parametrize("host", ["localhost", "LocalHost:7070", "127.0.0.1:1", "[::1]:7070", "10.0.0.7"])
def test_a_forwarded_ports_own_names_are_answered(host: str) -> None:
    with served() as port:
        assert ask(port, Host=host).status == 200


def test_a_flood_of_refusals_writes_few_lines(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "memcollect_agent"), served() as port:
        assert {ask(port, "/x").status for _ in range(3 * MOST_LINES)} == {404}
    assert len(caplog.records) == MOST_LINES


def test_more_equal_requests_than_threads_leave_the_port_free() -> None:
    slow = SlowSampling()
    with served(slow) as port, ThreadPoolExecutor(THREADS) as clients:
        futures = [clients.submit(ask, port) for _ in range(THREADS)]
        wait_until(lambda: sum(future.done() for future in futures) == THREADS - MOST_SAMPLING)
        assert ask(port, "/healthz", b"", "GET").status == 200
        slow.finish.set()
        replies = [future.result(PATIENCE) for future in futures]
    assert sorted({reply.status for reply in replies}) == [200, 503]
    assert {reply.headers["Retry-After"] for reply in replies if reply.status == 503} == {"5"}


def test_a_client_that_drips_its_request_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "ASKING_SECONDS", 0.5)
    with served() as port, socket.create_connection(("127.0.0.1", port), timeout=0.1) as client:
        wait_until(lambda: _is_closed_after(client, b"P"))
        assert ask(port).status == 200


def _is_closed_after(client: socket.socket, data: bytes) -> bool:
    try:
        client.sendall(data)
        return client.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_strangers_that_ask_nothing_make_room_for_who_asks() -> None:
    with served() as port, contextlib.ExitStack() as strangers:
        for _ in range(MAX_CONNECTIONS):
            strangers.enter_context(socket.create_connection(("127.0.0.1", port)))
        assert ask(port).status == 200


def test_equal_requests_that_arrive_together_cost_one_sampling() -> None:
    slow = SlowSampling()
    bodies = [b'{"pod_uids": ["a", "b"]}', b'{"pod_uids": ["b", "a", "b"]}'] * 3
    service = Service(slow, None)
    with serving(service) as port, ThreadPoolExecutor(6) as clients:
        first = clients.submit(ask, port, body=bodies[0])
        wait_until(lambda: len(slow.requests) == 1)
        others = [clients.submit(ask, port, body=body) for body in bodies[1:]]
        wait_until(lambda: service._flights.sharers() == 5)
        slow.finish.set()
        replies = [future.result(PATIENCE) for future in (first, *others)]
    assert len(slow.requests) == 1
    assert {reply.status for reply in replies} == {200}
    assert len({reply.body for reply in replies}) == 1


def test_different_requests_are_sampled_one_at_a_time() -> None:
    slow = SlowSampling()
    with served(slow) as port, ThreadPoolExecutor(3) as clients:
        futures = [clients.submit(ask, port, body=b'{"pod_uids": ["%d"]}' % number) for number in range(3)]
        wait_until(lambda: len(slow.requests) == 1)
        slow.finish.set()
        assert [future.result(PATIENCE).status for future in futures] == [200] * 3
    assert (len(slow.requests), slow.most_at_once) == (3, 1)


def test_beyond_the_bound_of_waiting_requests_a_client_is_told_when_to_come_again() -> None:
    slow = SlowSampling()
    most = MOST_DIFFERENT
    with served(slow) as port, ThreadPoolExecutor(most + 1) as clients:
        futures = [clients.submit(ask, port, body=b'{"process_limit": %d}' % n) for n in range(most + 1)]
        wait_until(lambda: any(future.done() for future in futures))
        slow.finish.set()
        replies = [future.result(PATIENCE) for future in futures]
    assert sorted(reply.status for reply in replies) == [200] * most + [503]
    busy = next(reply for reply in replies if reply.status == 503)
    assert busy.headers["Retry-After"] == "5"
    assert "too many different requests" in busy.text


def test_history_is_answered_while_a_sampling_is_under_way(tmp_path: Path) -> None:
    tree = PodTree(tmp_path)
    tree.add_pod(1)
    recorder = Recorder(str(tree.cgroup))
    recorder.tick()
    slow = SlowSampling()
    with served(slow, recorder) as port, ThreadPoolExecutor(1) as clients:
        sampling = clients.submit(ask, port)
        wait_until(lambda: len(slow.requests) == 1)
        assert ask(port, "/v1/history").status == 200
        slow.finish.set()
        assert sampling.result(PATIENCE).status == 200
    recorder.close()


def test_a_client_that_hangs_up_spoils_nothing_for_the_next() -> None:
    with served() as port:
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"POST /v1/sample HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        assert ask(port).status == 200
