"""The requests of a phase to ports of sandboxes, over real sockets behind the stand-in's port-forward."""

import http.server
import threading
from collections.abc import Iterator

import pytest

from memcollect.profile.actions import Outcome, act
from memcollect.profile.plan.model import Http, Seconds
from memcollect.profile.sandboxes.source import Sandbox
from memcollect.profile.tools import Workshop
from memcollect.testing import PODS, Cluster, Fault, StreamFault, objects
from worlds.profile_doubles import Nobody, never
from worlds.tcp_agents import hanging, listening, saying

SANDBOXES = [Sandbox(key=name, namespace="team", pod=name) for name in ("one", "two")]
FORWARD = "/api/v1/namespaces/team/pods/one/portforward"


class Service(http.server.BaseHTTPRequestHandler):
    """Answers with the status that the path names, and what was sent."""

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.send_response(int(self.path.removeprefix("/")))
        self.end_headers()
        self.wfile.write(b"\x1b[31m" + self.command.encode() + b" " + sent)

    def do_PUT(self) -> None:
        self.do_GET()


@pytest.fixture(autouse=True)
def pods(state: Cluster) -> Iterator[None]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        for each in SANDBOXES:
            state.put(PODS, objects.pod("team", each.pod, node="node-1"))
            state.forward("team", each.pod, 8080, to=("127.0.0.1", server.server_port))
        yield
        server.shutdown()
        thread.join()


def done(workshop: Workshop, phase: Http, count: int = 1) -> Outcome:
    return act(phase, SANDBOXES[:count], workshop, Nobody(), never)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_good_answer_of_every_sandbox_is_good_and_has_no_exit_code(workshop: Workshop, status: int) -> None:
    assert done(workshop, Http(name="a", path=f"/{status}"), 2) == Outcome()


def test_what_is_expected_is_good_and_nothing_else(workshop: Workshop) -> None:
    assert done(workshop, Http(name="a", path="/418", expect=[418])) == Outcome()
    assert done(workshop, Http(name="a", path="/200", expect=[418])).status == "failed"


def test_another_answer_is_told_with_its_beginning_escaped(workshop: Workshop) -> None:
    outcome = done(workshop, Http(name="a", method="PUT", path="/500", body="hello"))
    assert outcome.reason == (r"port 8080 of pod team/one answered PUT /500 with HTTP 500: \x1b[31mPUT hello")
    assert (outcome.status, outcome.exit_code) == ("failed", None)


def test_a_long_answer_is_cut(workshop: Workshop) -> None:
    assert len(done(workshop, Http(name="a", path="/500", body="x" * 5000)).reason) < 300


def test_one_sandbox_on_whose_port_nothing_listens_is_the_one_that_is_missing(
    workshop: Workshop, state: Cluster
) -> None:
    state.fault(Fault(FORWARD, stream=StreamFault.REFUSE))
    outcome = done(workshop, Http(name="a", path="/200"), 2)
    assert outcome.status == "failed"
    assert "In 1 of 2 sandboxes it went wrong; the first: Nothing listens on port 8080" in outcome.reason
    assert [each.name for each in outcome.missing] == ["team/one"]


def test_a_service_that_never_answers_is_timed_out(workshop: Workshop, state: Cluster) -> None:
    with listening(hanging) as port:
        state.forward("team", "one", 8080, to=("127.0.0.1", port))
        outcome = done(workshop, Http(name="a", time_limit=Seconds(0.3)))
    assert outcome.status == "timed-out"
    assert "port 8080 of pod team/one" in outcome.reason


def test_a_forward_that_never_opens_is_timed_out(workshop: Workshop, state: Cluster) -> None:
    state.fault(Fault(FORWARD, stream=StreamFault.HANG))
    assert done(workshop, Http(name="a", time_limit=Seconds(0.3))).status == "timed-out"


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_what_speaks_no_http_has_failed(workshop: Workshop, state: Cluster, said: bytes) -> None:
    with listening(saying(said)) as port:
        state.forward("team", "one", 8080, to=("127.0.0.1", port))
        outcome = done(workshop, Http(name="a"))
    assert outcome.status == "failed"
    assert "please report this" not in outcome.reason
    assert outcome.reason.isprintable()
