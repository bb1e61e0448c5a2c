"""A read that does not come back is told, with the file it is of, by whatever thread it was begun."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from memcollect_agent.measure.sample import Roots
from memcollect_agent.metrics.ledger import Ledger
from memcollect_agent.metrics.pss import PssPasses
from memcollect_agent.read import files
from memcollect_agent.read.hanging import Watch
from memcollect_agent.serve import metrics as metrics_module
from memcollect_agent.serve.addresses import Address, listen
from memcollect_agent.serve.metrics import MetricsOptions, Surroundings, start_metrics
from memcollect_agent.serve.service import Service
from memcollect_agent.serve.waiting import where
from memcollect_agent.wire import NodeSample, SampleRequest
from worlds.agent_trees import Machine
from worlds.served_agents import empty_sample
from worlds.waiting import PATIENCE, wait_until

NOWHERE = Address("127.0.0.1", 0)


class Hung:
    """Reads of files of one name that wait until they are let go."""

    def __init__(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.let_go = threading.Event()
        real = files.read_opened

        def waiting(fd: int, path: str, limit: int) -> bytes:
            if path.endswith(f"/{name}"):
                assert self.let_go.wait(PATIENCE)
            return real(fd, path, limit)

        monkeypatch.setattr(files, "read_opened", waiting)


@pytest.fixture
def hung(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hung]:
    """Let every read of meminfo hang."""
    found = Hung("meminfo", monkeypatch)
    yield found
    found.let_go.set()


def read_meminfo(machine: Machine) -> None:
    (machine.base / "proc/meminfo").write_text("MemTotal: 1 kB\n")
    descriptor = os.open(machine.base / "proc", os.O_RDONLY)
    try:
        files.read_file("meminfo", descriptor, "/proc/meminfo")
    finally:
        os.close(descriptor)


def test_of_a_sampling_that_hangs_health_names_the_file(hung: Hung, tmp_path: Path) -> None:
    machine = Machine(tmp_path)

    def sampling(request: SampleRequest) -> NodeSample:
        read_meminfo(machine)
        return empty_sample(request)

    service = Service(sampling, None)
    service._flights._hanging_seconds = 0.0
    asking = threading.Thread(
        target=lambda: service.sample(b"{}", "application/json", "application/json", lenient=False)
    )
    asking.start()
    wait_until(lambda: "in a read of /proc/meminfo" in service.degraded())
    hung.let_go.set()
    asking.join(PATIENCE)
    assert service.degraded() == ""


@pytest.mark.parametrize("pss", [False, True], ids=["scrape", "pass"])
def test_of_metrics_that_hang_health_says_so(
    hung: Hung, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, pss: bool
) -> None:
    # The port looks at its connections each second, so this is more than it is ever silent at rest.
    monkeypatch.setattr(metrics_module, "HANGING_SECONDS", 2.0)
    machine = Machine(tmp_path)
    (machine.base / "proc/meminfo").write_text("MemTotal: 1 kB\n")

    def sampling(request: SampleRequest) -> NodeSample:
        read_meminfo(machine)
        return empty_sample(request)

    options = MetricsOptions(listen=NOWHERE, pss_interval_seconds=3600.0 if pss else None)
    # Nothing is given up before the test has looked.
    around = Surroundings(
        roots=Roots(**roots_of(machine)),
        sampling=sampling,
        recorder=None,
        ledger=Ledger(),
        watch=Watch(hanging_seconds=2 * PATIENCE),
    )
    with ExitStack() as stack, listen(NOWHERE) as listener:
        address = listener.getsockname()
        degraded = start_metrics(stack, options, listener, around)
        if not pss:
            client = stack.enter_context(socket.create_connection(address, PATIENCE))
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        told = "a pass over all PSS" if pss else "a scrape"
        wait_until(lambda: told in degraded() and "meminfo" in degraded())
        hung.let_go.set()
        wait_until(lambda: degraded() == "")


def roots_of(machine: Machine) -> dict[str, str]:
    return {name: getattr(machine.roots, name) for name in ("proc", "cgroup", "sys")}


def test_of_a_thread_that_reads_nothing_nothing_is_said() -> None:
    assert where(threading.get_ident()) == ""
    assert where(None) == ""
    assert PssPasses(empty_sample, 1.0).working_seconds == 0.0
