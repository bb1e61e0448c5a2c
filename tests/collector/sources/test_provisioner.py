"""Requests to a provisioner, over real sockets."""

import contextlib
import http.server
import threading
import time
from collections.abc import Iterator

import pytest
import urllib3

from memcollect.errors import ProvisionerError
from memcollect.sources.provisioner import ProvisionerCall, ask
from memcollect.sources.timed import timed


class _Provisioner(http.server.BaseHTTPRequestHandler):
    """Answers with the status that the path names, after as many milliseconds as its query says."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the base class names it so
        pass

    def do_POST(self) -> None:
        status, _, milliseconds = self.path.removeprefix("/").partition("?")
        time.sleep(int(milliseconds or 0) / 1000)
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        # Who was late for is gone.
        with contextlib.suppress(ConnectionError):
            self.send_response(int(status))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)


@pytest.fixture
def url() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Provisioner) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def pool() -> Iterator[urllib3.PoolManager]:
    with timed(urllib3.PoolManager()) as made:
        yield made


def test_what_it_answers_is_returned(pool: urllib3.PoolManager, url: str) -> None:
    assert ask(pool, ProvisionerCall(method="POST", url=f"{url}/201", body="{}"), 5) == b"{}"
    assert (
        ask(pool, ProvisionerCall(method="POST", url=f"{url}/404", body="{}"), 5, frozenset({404})) == b"{}"
    )


def test_a_refusal_carries_its_status_and_what_was_said(pool: urllib3.PoolManager, url: str) -> None:
    with pytest.raises(ProvisionerError, match="with HTTP 422: no such field") as caught:
        ask(pool, ProvisionerCall(method="POST", url=f"{url}/422", body="no such field"), 5)
    assert caught.value.status == 422


def test_one_that_is_late_is_told_from_one_that_is_not_there(pool: urllib3.PoolManager, url: str) -> None:
    with pytest.raises(
        ProvisionerError, match=r"within 0\.1 s\. .* raise the source's request_timeout"
    ) as late:
        ask(pool, ProvisionerCall(method="POST", url=f"{url}/200?300"), 0.1)
    with pytest.raises(ProvisionerError, match="Check the source's url") as absent:
        ask(pool, ProvisionerCall(method="POST", url="http://127.0.0.1:1/200"), 5)
    assert late.value.status is absent.value.status is None
