"""The node's cAdvisor and the cluster's metrics-server, as one program beside the pods.

    python -m memcollect.lab.metrics FOLDER CGROUP_ROOT PACE [LOG]

Reads pods.json, and created-pods.json where there is one, and writes podmetrics.json and nodemetrics.json in
FOLDER until it is ended. Each reading is a line of LOG: the truth that a test can hold the metrics API's
numbers against.
"""

import os
import re
import sys
import time
from pathlib import Path
from typing import IO, Any

import msgspec

from memcollect.lab import cadvisor
from memcollect.lab.cadvisor import PACES, Housekeeping, Pace, Reading
from memcollect.lab.metrics_server import MetricsServer, ScrapedPod
from memcollect.lab.node_state import CREATED_PODS, NODE_LIST, POD_LIST, write_list

TICK_SECONDS = 0.25
_SCOPE = re.compile(r"cri-containerd-([0-9a-f]{64})\.scope")


class Node:
    """One node's containers and the latest reading of each."""

    def __init__(self, folder: Path, cgroups: Path, pace: Pace, log: IO[str] | None = None) -> None:
        self._folder = folder
        self._cgroups = cgroups
        self._housekeeping = Housekeeping(pace)
        self._server = MetricsServer()
        self._pace = pace
        self._log = log
        self._latest: dict[str, Reading] = {}
        self._next_scrape = time.monotonic() + pace.scrape

    def turn(self) -> None:
        """Look at the containers whose time has come, and scrape when it is time."""
        pods = [pod for name in (POD_LIST, CREATED_PODS) for pod in running_pods(self._folder / name)]
        wanted = {identity for pod in pods for identity in pod.containers.values()}
        for gone in set(self._latest) - wanted - {cadvisor.ROOT}:
            del self._latest[gone]
        due = self._housekeeping.due(wanted | {cadvisor.ROOT}, time.monotonic())
        if due:
            self._look(due)
        if time.monotonic() >= self._next_scrape:
            self._next_scrape += self._pace.scrape
            self._server.scrape(self._latest)
            write_list(self._folder / "podmetrics.json", self._server.pod_metrics(pods))
            for name in nodes_of(self._folder / NODE_LIST):
                write_list(self._folder / "nodemetrics.json", self._server.node_metrics(name, {}))

    def _look(self, due: list[str]) -> None:
        found = containers_below(self._cgroups / "kubepods.slice")
        for identity in due:
            reading = self._reading(identity, found)
            if reading is None:
                continue
            self._latest[identity] = reading
            if self._log is not None:
                self._log.write(msgspec.json.encode(reading).decode() + "\n")
                self._log.flush()

    def _reading(self, identity: str, found: dict[str, Path]) -> Reading | None:
        if identity == cadvisor.ROOT:
            return cadvisor.read_root(self._cgroups)
        return cadvisor.read(found[identity], identity) if identity in found else None


def nodes_of(path: Path) -> list[str]:
    """Return the name of the folder's node; none where it is not written yet."""
    if not path.exists():
        return []
    return [node["metadata"]["name"] for node in msgspec.json.decode(path.read_bytes())["items"]][:1]


def containers_below(top: Path) -> dict[str, Path]:
    """Return the cgroups of containers by their ids, as the systemd driver names them."""
    # os.walk passes over what is removed meanwhile.
    scopes = (
        (Path(directory, name), _SCOPE.fullmatch(name))
        for directory, names, _ in os.walk(top)
        for name in names
    )
    return {match[1]: path for path, match in scopes if match}


def running_pods(path: Path) -> list[ScrapedPod]:
    """Return the pods of a pod list, with their containers that run; none where there is no such file."""
    if not path.exists():
        return []
    pods: list[dict[str, Any]] = msgspec.json.decode(path.read_bytes())["items"]
    return [
        ScrapedPod(
            namespace=pod["metadata"]["namespace"],
            name=pod["metadata"]["name"],
            labels=pod["metadata"].get("labels") or {},
            containers={
                status["name"]: status["containerID"].partition("://")[2]
                for status in pod["status"]["containerStatuses"]
                if "running" in status["state"]
            },
        )
        for pod in pods
    ]


def main(arguments: list[str]) -> None:
    """Run until the process is ended."""
    folder, cgroups, pace, *log = arguments
    with Path(log[0] if log else "/dev/null").open("a") as file:
        node = Node(Path(folder), Path(cgroups), PACES[pace], file)
        while True:
            node.turn()
            time.sleep(TICK_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1:])
