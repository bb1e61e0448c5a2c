import gzip
import http.client
import json
import time
from collections.abc import Iterator

import pytest

from memcollect.testing import PODS, Cluster, Fault, StandInCluster, objects

LIST = "/api/v1/pods"


@pytest.fixture
def client(server: StandInCluster) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    yield connection
    connection.close()


def fetch(
    client: http.client.HTTPConnection, path: str = LIST, headers: dict[str, str] | None = None
) -> tuple[http.client.HTTPResponse, bytes]:
    client.request("GET", path, headers=headers or {})
    response = client.getresponse()
    return response, response.read()


def test_a_connection_serves_request_after_request(client: http.client.HTTPConnection) -> None:
    assert [len(json.loads(fetch(client)[1])["items"]) for _ in range(3)] == [5, 5, 5]


def test_each_request_is_logged_with_what_it_asked_and_got(
    client: http.client.HTTPConnection, cluster: Cluster
) -> None:
    _, body = fetch(client, LIST + "?limit=500&labelSelector=app%3Dweb", {"User-Agent": "mine"})
    fetch(client, "/api/v1/namespaces/team/pods/nope")
    first, second = cluster.requests
    assert (first.method, first.path, first.status) == ("GET", LIST, 200)
    assert first.query == {"limit": ["500"], "labelSelector": ["app=web"]}
    assert (first.bytes_sent, first.user_agent) == (len(body), "mine")
    assert second.status == 404


def test_a_large_answer_is_compressed_for_who_takes_gzip(
    client: http.client.HTTPConnection, cluster: Cluster
) -> None:
    for index in range(400):
        cluster.put(PODS, objects.pod("many", f"pod-{index}"))
    _, plain = fetch(client)
    response, compressed = fetch(client, headers={"Accept-Encoding": "gzip"})
    assert response.getheader("Content-Encoding") == "gzip"
    assert len(compressed) < len(plain) // 4
    assert gzip.decompress(compressed) == plain
    response, _ = fetch(client, "/version", {"Accept-Encoding": "gzip"})
    assert response.getheader("Content-Encoding") is None


@pytest.mark.parametrize(
    ("status", "reason"),
    [(401, "Unauthorized"), (403, "Forbidden"), (500, "InternalError"), (504, "Timeout")],
)
def test_a_scripted_status_comes_once_and_then_all_is_well(
    client: http.client.HTTPConnection, cluster: Cluster, status: int, reason: str
) -> None:
    cluster.fault(Fault(LIST, status=status))
    response, body = fetch(client)
    assert (response.status, json.loads(body)["reason"]) == (status, reason)
    assert fetch(client)[0].status == 200


def test_too_many_requests_is_plain_text_and_says_when_to_come_back(
    client: http.client.HTTPConnection, cluster: Cluster
) -> None:
    cluster.fault(Fault(LIST, status=429, retry_after_seconds=3))
    response, body = fetch(client)
    assert (response.status, response.getheader("Retry-After")) == (429, "3")
    assert body == b"Too many requests, please try again later.\n"


def test_a_body_may_be_scripted(client: http.client.HTTPConnection, cluster: Cluster) -> None:
    cluster.fault(Fault(LIST, body=b"<html>"))
    response, body = fetch(client)
    assert (response.status, body) == (200, b"<html>")


def test_a_truncated_answer_promises_more_than_it_gives(
    client: http.client.HTTPConnection, cluster: Cluster
) -> None:
    cluster.fault(Fault(LIST, truncate_after_bytes=100))
    with pytest.raises(http.client.IncompleteRead) as caught:
        fetch(client)
    assert len(caught.value.partial) == 100


def test_a_dropped_connection_gets_no_answer(client: http.client.HTTPConnection, cluster: Cluster) -> None:
    cluster.fault(Fault(LIST, drop=True))
    with pytest.raises(http.client.RemoteDisconnected):
        fetch(client)
    assert [entry.status for entry in cluster.requests] == [0]


def test_a_delay_comes_before_the_answer(client: http.client.HTTPConnection, cluster: Cluster) -> None:
    cluster.fault(Fault(LIST, delay_seconds=0.2))
    begun = time.monotonic()
    assert fetch(client)[0].status == 200
    assert time.monotonic() - begun >= 0.2


def test_a_slow_body_takes_its_time(client: http.client.HTTPConnection, cluster: Cluster) -> None:
    size = len(fetch(client)[1])
    cluster.fault(Fault(LIST, bytes_per_second=size * 4))
    begun = time.monotonic()
    assert len(fetch(client)[1]) == size
    assert time.monotonic() - begun >= 0.2


def test_a_hanging_request_is_never_answered(client: http.client.HTTPConnection, cluster: Cluster) -> None:
    cluster.fault(Fault(LIST, hang=True))
    client.timeout = 0.3
    with pytest.raises(TimeoutError):
        fetch(client)


def test_a_head_request_gets_the_length_and_no_body(
    client: http.client.HTTPConnection,
) -> None:
    size = len(fetch(client)[1])
    client.request("HEAD", LIST)
    response = client.getresponse()
    assert (response.read(), response.getheader("Content-Length")) == (b"", str(size))
