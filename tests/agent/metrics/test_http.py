import pytest

from memcollect_agent.metrics.http import OPENMETRICS, TEXT, answering

PROMETHEUS = (
    b"GET /metrics HTTP/1.1\r\nHost: 10.0.0.1:7072\r\nUser-Agent: Prometheus/3.5.0\r\n"
    b"Accept: application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    b"text/plain;version=0.0.4;q=0.4,*/*;q=0.1\r\n"
    b"Accept-Encoding: gzip\r\nX-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n"
)


class Pages:
    def __init__(self) -> None:
        self.asked: list[tuple[bool, bool]] = []

    def get(self, *, openmetrics: bool, compressed: bool) -> bytes:
        self.asked.append((openmetrics, compressed))
        return b"page"


def said(request: bytes, pages: Pages | None = None) -> str:
    return b"".join(answering(pages or Pages())(request)).decode()


def get(*headers: str, target: str = "/metrics") -> bytes:
    return "\r\n".join((f"GET {target} HTTP/1.1", *headers, "", "")).encode()


def test_prometheus_gets_openmetrics_compressed() -> None:
    pages = Pages()
    head, _, body = said(PROMETHEUS, pages).partition("\r\n\r\n")
    assert head.split("\r\n") == [
        "HTTP/1.1 200 OK",
        f"Content-Type: {OPENMETRICS}",
        "Content-Length: 4",
        "Content-Encoding: gzip",
        "Vary: Accept, Accept-Encoding",
        "Connection: close",
    ]
    assert (body, pages.asked) == ("page", [(True, True)])


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("Accept: */*",),
        ("Accept: text/plain;version=0.0.4",),
        ("Accept: application/openmetrics-text;q=0",),
        ("Accept-Encoding: br, gzip;q=0",),
        ("Accept-Encoding: identity",),
        ("no header at all",),
    ],
)
def test_others_get_plain_text(headers: tuple[str, ...]) -> None:
    pages = Pages()
    assert f"Content-Type: {TEXT}\r\n" in said(get(*headers), pages)
    assert pages.asked == [(False, False)]


def test_headers_are_known_in_any_case_and_may_come_twice() -> None:
    pages = Pages()
    said(get("ACCEPT: text/html", "accept: Application/OpenMetrics-Text", "accept-encoding:GZIP"), pages)
    assert pages.asked == [(True, True)]


def test_parameters_of_the_address_are_ignored() -> None:
    assert said(get(target="/metrics?collect[]=x")).startswith("HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "404 Not Found"),
        (b"GET /v1/sample HTTP/1.1\r\n\r\n", "404 Not Found"),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "405 Method Not Allowed"),
        (b"GET /metrics\r\n\r\n", "400 Bad Request"),
        (b"\x16\x03\x01\x02\xff\r\n\r\n", "400 Bad Request"),
        (b"\r\n\r\n", "400 Bad Request"),
        (b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 9000, "431 Request Header Fields Too Large"),
    ],
)
def test_nothing_else_is_served_and_no_reading_made_for_it(request_: bytes, status: str) -> None:
    pages = Pages()
    answer = said(request_, pages)
    assert answer.startswith(f"HTTP/1.1 {status}\r\n")
    assert answer.endswith("\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    assert pages.asked == []
