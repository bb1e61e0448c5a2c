"""A real agent that serves metrics, a real Prometheus that scrapes it, and pages of others to join with."""

import contextlib
import gzip
import http.client
import http.server
import json
import os
import shutil
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from memcollect_agent.measure.sample import Roots
from worlds import children
from worlds.ports import free_port
from worlds.waiting import PATIENCE, wait_until

REPOSITORY = Path(__file__).parents[2]
RULES = REPOSITORY / "deploy/prometheus/rules.yaml"
DASHBOARD = REPOSITORY / "deploy/dashboards/pods.json"

Labels = Mapping[str, str]


def require_prometheus() -> None:
    """Skip, or fail if MEMCOLLECT_REQUIRE_METRICS is set, where prometheus or promtool is missing."""
    missing = [name for name in ("prometheus", "promtool") if shutil.which(name) is None]
    if not missing:
        return
    reason = (
        f"{' and '.join(missing)} not found: scripts/debian-packages metrics installs Debian's prometheus"
    )
    if os.environ.get("MEMCOLLECT_REQUIRE_METRICS"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def promtool(*arguments: str, given: str = "") -> str:
    """Run promtool, fail with its words unless it is content, and return them."""
    require_prometheus()
    done = children.run(["promtool", *arguments], input=given)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


class Page:
    """An HTTP answer to a scrape, its body as it was before compression."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.raw = response.read()
        compressed = self.headers.get("Content-Encoding") == "gzip"
        self.text = (gzip.decompress(self.raw) if compressed else self.raw).decode()


def scrape(port: int, path: str = "/metrics", **headers: str) -> Page:
    """Ask as a scraper does."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        return Page(connection.getresponse())
    finally:
        connection.close()


def answers(port: int, path: str) -> bool:
    try:
        return scrape(port, path).status == 200
    except OSError:
        return False


@contextlib.contextmanager
def metered_agent(roots: Roots, *options: str) -> Iterator[int]:
    """Run `memcollect-agent serve --metrics-listen`; yield the port of its metrics."""
    port = free_port()
    places = ["--proc", roots.proc, "--cgroup", roots.cgroup, "--sys", roots.sys]
    quiet = ["--listen", f"127.0.0.1:{free_port()}", "--health-listen", "off"]
    command = [*places, *quiet, "--metrics-listen", f"127.0.0.1:{port}", *options]
    with children.Child([sys.executable, "-m", "memcollect_agent", "serve", *command]) as process:
        try:
            wait_until(lambda: answers(port, "/metrics") or process.poll() is not None)
            assert process.poll() is None
            yield port
        finally:
            process.terminate()


@contextlib.contextmanager
def static_pages(pages: Mapping[str, str]) -> Iterator[int]:
    """Serve each text at its path; yield the port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages[self.path].encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join(PATIENCE)


class Prometheus:
    """A running Prometheus, asked of the moment at which all was there.

    A scrape that comes late on a busy machine is missing for a second, and with it all that rules make of it:
    what is stored of one moment does not change any more.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self._moment: float | None = None

    def wait_for(self, *conditions: tuple[str, int]) -> None:
        """Wait until each expression has at least so many series, all at one moment, and keep that moment."""

        def are_all_there() -> bool:
            self._moment = time.time()
            return all(len(self.query(expr)) >= least for expr, least in conditions)

        wait_until(are_all_there)

    def ask(self, path: str, **parameters: str) -> Any:
        """Return the data of an API answer; fail with Prometheus' words if it is an error."""
        answer = json.loads(scrape(self.port, f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}").text)
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expr: str) -> list[tuple[dict[str, str], float]]:
        """Return the series of an instant query, each its labels and its number."""
        at = {} if self._moment is None else {"time": f"{self._moment:.3f}"}
        result = self.ask("query", query=expr, **at)["result"]
        return [(one["metric"], float(one["value"][1])) for one in result]


@contextlib.contextmanager
def prometheus(directory: Path, targets: Mapping[str, tuple[int, str]]) -> Iterator[Prometheus]:
    """Run Prometheus with the project's rules; `targets` maps a job to its port and path."""
    require_prometheus()
    jobs = [
        {
            "job_name": job,
            "metrics_path": path,
            "honor_labels": True,
            "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": {"node": "n1"}}],
        }
        for job, (port, path) in targets.items()
    ]
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": jobs,
    }
    (directory / "prometheus.yml").write_text(json.dumps(config))
    port = free_port()
    command = [
        "prometheus",
        f"--config.file={directory}/prometheus.yml",
        f"--storage.tsdb.path={directory}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]
    with children.Child(command) as process:
        try:
            wait_until(lambda: answers(port, "/-/ready") or process.poll() is not None)
            assert process.poll() is None
            yield Prometheus(port)
        finally:
            process.terminate()


def kube_state_metrics(pods: list[dict[str, Any]]) -> str:
    """Return what kube-state-metrics writes of those pods of the API, as far as the rules read it."""
    lines = []
    for pod in pods:
        meta = pod["metadata"]
        who = f'namespace="{meta["namespace"]}",pod="{meta["name"]}",uid="{meta["uid"]}"'
        lines.append(f"kube_pod_info{{{who}}} 1")
        for status in pod["status"].get("containerStatuses", []):
            which = f'container="{status["name"]}",container_id="{status.get("containerID", "")}"'
            lines.append(f"kube_pod_container_info{{{who},{which}}} 1")
    return "\n".join(lines) + "\n"


def without_times(page: str) -> str:
    """Return a recorded page as if it had been scraped now."""
    lines = (line if line.startswith("#") else " ".join(line.split(" ")[:2]) for line in page.splitlines())
    return "\n".join(lines) + "\n"
