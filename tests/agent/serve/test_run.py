"""The whole program: a process that serves a recorded node until it is told to stop."""

import contextlib
import http.client
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from memcollect_agent.history import Settings
from memcollect_agent.measure.sample import Roots
from memcollect_agent.serve import run as run_module
from memcollect_agent.serve.addresses import Address, listen
from memcollect_agent.wire import History, NodeSample
from worlds import children
from worlds.agent_trees import recorded
from worlds.pod_tree import PodTree
from worlds.ports import free_port
from worlds.served_agents import ask
from worlds.waiting import PATIENCE, wait_until


@dataclass
class Agent:
    process: children.Child
    port: int
    health_port: int


@contextlib.contextmanager
def agent(roots: Roots, *options: str) -> Iterator[Agent]:
    port, health_port = free_port(), free_port()
    places = ["--proc", roots.proc, "--cgroup", roots.cgroup, "--sys", roots.sys]
    listen_at = ["--listen", f"127.0.0.1:{port}", "--health-listen", f"127.0.0.1:{health_port}"]
    command = [sys.executable, "-m", "memcollect_agent", "serve", *places, *listen_at, *options]
    with children.Child(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_until(lambda: answers(health_port) or process.poll() is not None)
        yield Agent(process, port, health_port)


def answers(port: int) -> bool:
    try:
        return ask(port, "/healthz", b"", "GET", Content_Type=None).status == 200
    except OSError:
        return False


def test_it_samples_with_history_and_ends_cleanly_at_sigterm() -> None:
    with agent(recorded("systemd-kernel-7.2")) as served:
        reply = ask(served.port, body=b'{"history": true}', Memcollect_Schema="1")
        sample = msgspec.msgpack.decode(reply.body, type=NodeSample)
        assert len(sample.pods) >= 3
        assert sample.history is not None
        assert {one.pod_uid for one in sample.history.cgroups} == {pod.uid for pod in sample.pods}
        served.process.send_signal(signal.SIGTERM)
        output, errors = served.process.communicate()
    assert (served.process.returncode, output, errors) == (0, "", "")


def test_the_health_port_of_the_program_gives_no_samples() -> None:
    with agent(recorded("systemd-kernel-7.2")) as served:
        assert ask(served.health_port, "/v1/sample").status == 404


def test_sigterm_does_not_wait_for_idle_connections() -> None:
    with (
        agent(recorded("systemd-kernel-7.2")) as served,
        socket.create_connection(("127.0.0.1", served.port)),
    ):
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait() == 0


def test_sigterm_does_not_wait_for_a_sampling_that_takes_long() -> None:
    program = (
        "import sys, time; from memcollect_agent.serve import run; "
        "run.sample_node = lambda request, **_: print('begun', flush=True) or time.sleep(600); "
        "from memcollect_agent.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    port = free_port()
    command = ["serve", "--listen", f"127.0.0.1:{port}", "--health-listen", "off", "--history", "off"]
    with children.Child([sys.executable, "-c", program, *command], stdout=subprocess.PIPE) as process:
        wait_until(lambda: answers(port))
        asking = threading.Thread(target=_ask_in_vain, args=(port,))
        asking.start()
        assert process.line() == "begun"
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
        asking.join(PATIENCE)


def test_refusals_are_the_only_lines_on_stderr() -> None:
    with agent(recorded("systemd-kernel-7.2")) as served:
        assert ask(served.port).status == 200
        assert ask(served.port, body=b"\x1b").status == 400
        served.process.send_signal(signal.SIGTERM)
        _, errors = served.process.communicate()
    assert errors.count("\n") == 1
    assert "refused POST /v1/sample: 400" in errors
    assert "\x1b" not in errors


def test_history_can_be_turned_off() -> None:
    with agent(recorded("systemd-kernel-7.2"), "--history", "off") as served:
        assert ask(served.port, "/v1/history").status == 404
        assert ask(served.port, body=b'{"history": true}').status == 200


def test_history_follows_a_tree_as_it_changes(tmp_path: Path) -> None:
    tree = PodTree(tmp_path)
    pod = tree.add_pod(1, current=100)
    roots = Roots(proc=str(tree.proc), cgroup=str(tree.cgroup), sys=str(tree.sys))
    with agent(roots, "--history-interval", "0.5", "--history-depth", "4") as served:
        # As the kernel does: a reader sees the old number or the new one, never an empty file.
        (tmp_path / "new").write_text("300\n")
        (tmp_path / "new").replace(pod / "memory.current")
        wait_until(lambda: 300 in numbers(served.port))
        assert set(numbers(served.port)) <= {100, 300}


def test_a_taken_port_is_one_sentence_and_exit_one() -> None:
    with listen(Address("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = ["serve", "--listen", f"127.0.0.1:{port}", "--health-listen", "off"]
        done = children.run([sys.executable, "-m", "memcollect_agent", *command])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"memcollect-agent: cannot listen on 127.0.0.1:{port}: Address already in use\n"


@pytest.mark.parametrize(
    ("soft", "hard", "most", "kept_open"),
    [(1024, 1024, 768, 0), (1024, 1 << 20, 2000, 512), (1024, 2456, 2000, 100), (100, 100, 0, 0)],
)
def test_no_more_cgroups_are_followed_than_descriptors_suffice_for_nor_files_kept_open(
    soft: int, hard: int, most: int, kept_open: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _what: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _what, limits: raised.append(limits))
    settings = run_module._within_descriptors(Settings())
    assert (settings.max_cgroups, settings.max_kept_open) == (most, kept_open)
    assert raised == [(min(3280, hard), hard)]


def _ask_in_vain(port: int) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException):
        ask(port)


def numbers(port: int) -> list[int | None]:
    history = msgspec.msgpack.decode(ask(port, "/v1/history").body, type=History)
    return [number for one in history.cgroups for number in one.current_bytes]
