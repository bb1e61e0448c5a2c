"""The requests that reach an HTTP service that makes sandboxes, over real sockets."""

import contextlib
import http.server
import threading
from collections.abc import Iterator

import pytest

from memcollect.errors import ProvisionerError
from memcollect.profile.plan.model import Call, Provisioned, Seconds
from memcollect.profile.sandboxes.provisioned import ProvisionedSource
from memcollect.profile.sandboxes.source import SandboxError
from memcollect.profile.tools import Tools, Workshop
from memcollect.sources.api import Patience
from worlds.profile_doubles import NOWHERE
from worlds.waiting import PATIENCE, wait_until

RUN = "0123456789"
KEY = f"mc-{RUN}-ab12-1"


class Service:
    """`heard` is what was asked: method, path, body and key; `status` is what it answers; 0: it hangs up.

    It waits for `answers` before it does.
    """

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, str, str]] = []
        self.status = 200
        self.answers = threading.Event()
        self.answers.set()
        self.url = ""

    def source(
        self, release: Call | None = None, reuse: Call | None = None, seconds: float = 30.0
    ) -> ProvisionedSource:
        """Return a source that asks here, with a secret from the environment."""
        plan = Provisioned(
            namespace="team",
            create=Call(
                url=f"{self.url}/{{namespace}}?run={{run}}", body='{"id": "{id}", "a": {"{id}": "{other}"}}'
            ),
            delete=Call(method="DELETE", url=f"{self.url}/{{id}}/{{id}}"),
            release=release,
            reuse=reuse,
            headers={"X-API-Key": "KEY"},
            request_timeout=Seconds(seconds),
        )
        made = ProvisionedSource(plan, RUN, {"KEY": "secret"})
        made.prepare(TOOLS)
        return made


def made(source: ProvisionedSource) -> None:
    source.make(TOOLS, source.place(KEY))


TOOLS: Tools = Workshop(NOWHERE, Patience(), 1).tools()
CREATED = ("POST", f"/team?run={RUN}", f'{{"id": "{KEY}", "a": {{"{KEY}": "{{other}}"}}}}', "secret")
DELETED = ("DELETE", f"/{KEY}/{KEY}", "", "secret")


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
            made.heard.append((self.command, self.path, body, self.headers["X-API-Key"]))
            assert made.answers.wait(PATIENCE)
            if made.status == 0:
                self.close_connection = True
                return
            self.send_response(made.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_DELETE(self) -> None:
            self.do_POST()

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        made.url = f"http://127.0.0.1:{server.server_port}"
        yield made
        server.shutdown()
        thread.join()


def test_placeholders_are_filled_wherever_they_stand_and_other_braces_stay(service: Service) -> None:
    source = service.source()
    sandbox = source.place(KEY)
    source.make(TOOLS, sandbox)
    source.delete(TOOLS, sandbox)
    assert service.heard == [CREATED, DELETED]


def test_without_a_release_there_is_nothing_to_ask_for(service: Service) -> None:
    source = service.source()
    assert not source.releases
    with pytest.raises(SandboxError, match=r"add source\.release, or ask a person"):
        source.release(TOOLS, source.place(KEY))
    assert service.heard == []


def test_a_released_sandbox_is_taken_again_by_creating_it_again_or_as_the_plan_says(service: Service) -> None:
    release, reuse = (Call(url=f"{service.url}/{{id}}/{way}") for way in ("release", "reuse"))
    for source in (service.source(release), service.source(release, reuse)):
        assert source.releases
        source.release(TOOLS, source.place(KEY))
        source.reuse(TOOLS, source.place(KEY))
    assert [path for _, path, _, _ in service.heard] == [
        f"/{KEY}/release",
        f"/team?run={RUN}",
        f"/{KEY}/release",
        f"/{KEY}/reuse",
    ]


@pytest.mark.parametrize("status", [404, 410])
def test_a_sandbox_that_the_service_does_not_know_is_deleted(service: Service, status: int) -> None:
    service.status = status
    source = service.source()
    source.delete(TOOLS, source.place(KEY))
    assert service.heard == [DELETED]


@pytest.mark.parametrize("status", [401, 409, 422])
def test_what_was_refused_is_somebody_elses_or_nobodys_and_never_deleted(
    service: Service, status: int
) -> None:
    service.status = status
    source = service.source()
    with pytest.raises(ProvisionerError):
        source.make(TOOLS, source.place(KEY))
    source.delete(TOOLS, source.place(KEY))
    assert service.heard == [CREATED]


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_creation_that_failed_may_have_worked_and_is_deleted(service: Service, status: int) -> None:
    service.status = status
    source = service.source()
    with pytest.raises(ProvisionerError):
        source.make(TOOLS, source.place(KEY))
    service.status = 200
    source.delete(TOOLS, source.place(KEY))
    assert service.heard == [CREATED, DELETED]


def test_a_deletion_that_fails_is_told_without_the_secret(service: Service) -> None:
    service.status = 500
    source = service.source()
    with pytest.raises(ProvisionerError) as caught:
        source.delete(TOOLS, source.place(KEY))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "unanswered"),
    [(200, set()), (401, set()), (409, set()), (500, set()), (504, {KEY}), (408, {KEY}), (0, {KEY})],
)
@pytest.mark.parametrize("way", ["make", "reuse"])
def test_a_request_that_had_no_answer_may_be_at_work_still(
    service: Service, status: int, unanswered: set[str], way: str
) -> None:
    service.status = status
    source = service.source()
    with contextlib.suppress(ProvisionerError):
        getattr(source, way)(TOOLS, source.place(KEY))
    assert source.unanswered == unanswered


def test_a_request_is_unanswered_while_it_runs_and_when_it_was_given_up(service: Service) -> None:
    service.answers.clear()
    source = service.source(seconds=0.5)
    failed: list[Exception] = []

    def asks() -> None:
        try:
            made(source)
        except ProvisionerError as error:
            failed.append(error)

    thread = threading.Thread(target=asks)
    thread.start()
    wait_until(lambda: len(service.heard) == 1)
    assert source.unanswered == {KEY}
    thread.join()
    assert (len(failed), source.unanswered) == (1, {KEY})
    service.answers.set()


def test_a_request_that_was_never_sent_is_not_at_work() -> None:
    call = Call(url="http://127.0.0.1:1/{id}")
    source = ProvisionedSource(Provisioned(create=call, delete=call), RUN)
    with pytest.raises(ProvisionerError):
        made(source)
    assert source.unanswered == set()


@pytest.mark.parametrize(("timeout", "late"), [(0.5, 0.5), (30.0, 30.0), (180.0, 180.0), (3600.0, 180.0)])
def test_what_comes_late_is_waited_for_as_long_as_an_answer_within_bounds(
    timeout: float, late: float
) -> None:
    assert Service().source(seconds=timeout).late_seconds == late
