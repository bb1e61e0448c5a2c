"""VictoriaMetrics' programs as Debian has them: a database, vmagent that scrapes, vmalert with the rules."""

import contextlib
import http.client
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from worlds import children
from worlds.metrics_stage import RULES, Prometheus, answers
from worlds.ports import free_port
from worlds.waiting import PATIENCE, wait_until

PROGRAMS = ("victoria-metrics", "vmagent", "vmalert")
NOBODY = "http://127.0.0.1:9"
"""For alerts, of which vmalert wants to know where to send them."""


def require_victoria() -> None:
    """Skip, or fail if MEMCOLLECT_REQUIRE_VICTORIA is set, where a program is missing."""
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        reason = f"{' and '.join(missing)} not found: scripts/debian-packages victoria installs Debian's"
        if os.environ.get("MEMCOLLECT_REQUIRE_VICTORIA"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


@contextlib.contextmanager
def database(directory: Path) -> Iterator[Prometheus]:
    """Run VictoriaMetrics, which answers queries as Prometheus does."""
    port = free_port()
    command = [
        "victoria-metrics",
        f"-storageDataPath={directory}/data",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-search.latencyOffset=1s",
        "-search.disableCache",
        "-loggerLevel=ERROR",
    ]
    with _running(command, port):
        yield Prometheus(port)


@contextlib.contextmanager
def scraping(directory: Path, server: Prometheus, targets: Mapping[str, tuple[int, str]]) -> Iterator[None]:
    """Run vmagent; `targets` maps a job to its port and path."""
    jobs = [
        {
            "job_name": job,
            "metrics_path": path,
            "honor_labels": True,
            "scrape_interval": "1s",
            "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": {"node": "n1"}}],
        }
        for job, (port, path) in targets.items()
    ]
    (directory / "scrape.yml").write_text(yaml.safe_dump({"scrape_configs": jobs}))
    port = free_port()
    command = [
        "vmagent",
        f"-promscrape.config={directory}/scrape.yml",
        f"-remoteWrite.url={address(server)}/api/v1/write",
        f"-remoteWrite.tmpDataPath={directory}/queue",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-loggerLevel=ERROR",
    ]
    with _running(command, port):
        yield


@contextlib.contextmanager
def evaluating(server: Prometheus) -> Iterator[Prometheus]:
    """Run vmalert with the project's rules; yield what answers /api/v1/rules."""
    port = free_port()
    with _running([*_vmalert(server, RULES, "1s"), f"-httpListenAddr=127.0.0.1:{port}"], port):
        yield Prometheus(port)


def replayed(server: Prometheus, rules: Path, began: int, ended: int) -> None:
    """Have vmalert evaluate rules over a time that is past, from and to these seconds since the epoch."""
    past = [f"-replay.timeFrom={_utc(began)}", f"-replay.timeTo={_utc(ended)}", "-replay.rulesDelay=2s"]
    done = children.run([*_vmalert(server, rules, "30s"), *past, "-replay.disableProgressBar"])
    assert done.returncode == 0, done.stdout + done.stderr
    flush(server)


def store(server: Prometheus, lines: list[str]) -> None:
    """Store lines of Prometheus' text format, each with its time in milliseconds."""
    _ask(server, "POST", "/api/v1/import/prometheus", "\n".join(lines))
    flush(server)


def flush(server: Prometheus) -> None:
    """Have what was stored be found."""
    _ask(server, "GET", "/internal/force_flush")


def address(server: Prometheus) -> str:
    return f"http://127.0.0.1:{server.port}"


def _vmalert(server: Prometheus, rules: Path, every: str) -> list[str]:
    return [
        "vmalert",
        f"-rule={rules}",
        f"-datasource.url={address(server)}",
        f"-remoteWrite.url={address(server)}",
        f"-notifier.url={NOBODY}",
        f"-evaluationInterval={every}",
        "-remoteWrite.flushInterval=200ms",
        "-loggerLevel=FATAL",
    ]


def _ask(server: Prometheus, method: str, path: str, body: str = "") -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request(method, path, body=body.encode())
        assert connection.getresponse().status < 300


@contextlib.contextmanager
def _running(command: list[str], port: int) -> Iterator[Any]:
    with children.Child(command) as process:
        try:
            wait_until(lambda: answers(port, "/health") or process.poll() is not None)
            assert process.poll() is None
            yield process
        finally:
            process.terminate()


def _utc(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
