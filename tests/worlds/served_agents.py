"""An agent's service on a real socket, with a sampling that the test provides, and a client for it."""

import contextlib
import http.client
import threading
from collections.abc import Iterator

from memcollect_agent.history import Recorder
from memcollect_agent.serve import addresses
from memcollect_agent.serve.listener import Listener
from memcollect_agent.serve.service import Permissions, Sampling, Service
from memcollect_agent.serve.wsgi import application
from memcollect_agent.wire import Cgroup, Node, NodeSample, Pod, SampleRequest
from worlds.waiting import PATIENCE

JSON = "application/json"

STAT = {f"name_{number}": number << 20 for number in range(50)}


def sample_of(pods: int) -> NodeSample:
    """Return a node's sample with so many pods, each of some 750 bytes."""
    return NodeSample(
        sampled_at=1.0,
        finished_at=2.0,
        node=Node(name="n"),
        pods=[Pod(uid=f"{each}", cgroup=Cgroup(path=f"/{each}", stat=STAT)) for each in range(pods)],
    )


def service_of(pods: int) -> Service:
    """Return a service that answers every question with that sample."""
    return Service(lambda _: sample_of(pods), None)


def empty_sample(request: SampleRequest) -> NodeSample:
    """Measure nothing; the node's name tells the time budget that arrived."""
    return NodeSample(sampled_at=1.0, finished_at=2.0, node=Node(name=f"{request.time_budget_seconds:g}"))


@contextlib.contextmanager
def served(
    sampling: Sampling = empty_sample,
    recorder: Recorder | None = None,
    permissions: Permissions | None = None,
) -> Iterator[int]:
    """Serve `sampling` until the context is left; yield the port."""
    with serving(Service(sampling, recorder, permissions)) as port:
        yield port


@contextlib.contextmanager
def serving(service: Service) -> Iterator[int]:
    """Serve on a port of the loopback, in a thread, until the context is left; yield the port."""
    with addresses.listen(addresses.Address("127.0.0.1", 0)) as sock:
        listener = Listener(application(service), sock, service.held.is_awaited)
        thread = threading.Thread(target=listener.run, daemon=True)
        thread.start()
        try:
            yield listener.port
        finally:
            listener.stop()
            thread.join(PATIENCE)
            assert not thread.is_alive()


class Reply:
    """An HTTP answer, read to its end."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def text(self) -> str:
        return self.body.decode()


def ask(
    port: int, path: str = "/v1/sample", body: bytes = b"{}", method: str = "POST", **headers: str | None
) -> Reply:
    """Ask over a connection of its own; the body is JSON unless told, a header of None is left out."""
    named: dict[str, str | None] = {"Content_Type": JSON, **headers}
    sent = {name.replace("_", "-"): value for name, value in named.items() if value is not None}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request(method, path, body, sent)
        return Reply(connection.getresponse())
    finally:
        connection.close()
