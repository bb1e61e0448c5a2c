"""What goes wrong in a cluster, one thing at a time: the whole command, its exit code and its sentence."""

from pathlib import Path

import msgspec
import pytest

from memcollect.commands.run import run
from memcollect.documents.files import read_snapshot
from memcollect.documents.snapshot import Snapshot
from memcollect.sources import agent_ends
from memcollect.testing import Fault, StreamFault
from memcollect_agent.wire import SCHEMA_VERSION, Node, NodeSample
from worlds.live_cluster import NODE_6, NODE_7, LiveCluster
from worlds.tcp_agents import Behaviour, hanging, http_answer, listening, refusing_port, saying, trickling

PODS = "/api/v1/namespaces/deer-flow/pods"
METRICS = "/apis/metrics.k8s.io/"
GOOD = msgspec.msgpack.encode(NodeSample(sampled_at=1.0, finished_at=2.0, node=Node(name="n")))
IMPOSSIBLE = msgspec.msgpack.encode(
    {"sampled_at": 1.0, "finished_at": 2.0, "node": {"name": "n", "cpus": -1, "page_size_bytes": -1}}
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "f.json"


@pytest.fixture(autouse=True)
def no_late_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no kubelet that tells of an agent's end a second late: no agent ends here."""
    monkeypatch.setattr(agent_ends, "PATIENCE_SECONDS", 0.0)


class Failed:
    """How a command ended that could not do what was asked."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def sentence(self) -> str:
        """What was said: one line, and no traceback."""
        assert "Traceback" not in self.err
        assert self.out == ""
        (line,) = self.err.splitlines()
        assert line.startswith("memcollect: ")
        return line


class Command:
    """`memcollect snapshot` against the live cluster."""

    def __init__(self, live: LiveCluster, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.live = live
        self.path = path
        self._capsys = capsys

    def fails(self, *arguments: str) -> Failed:
        code = run(["snapshot", *self.live.options(), *arguments], "memcollect")
        output = self._capsys.readouterr()
        return Failed(code, output.out, output.err)

    def incomplete(self, *arguments: str, code: int = 3) -> Snapshot:
        written = ["--format", "json", "-o", str(self.path), "--force"]
        assert run(["snapshot", *self.live.options(), *written, *arguments], "memcollect") == code
        errors = self._capsys.readouterr().err
        assert "Traceback" not in errors
        assert len(errors.splitlines()) == (1 if code == 0 else 2)
        return read_snapshot(str(self.path))


@pytest.fixture
def command(live: LiveCluster, path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(live, path, capsys)


BAD_AGENTS: dict[str, tuple[Behaviour, str]] = {
    "hangs": (hanging, "timeout"),
    "dies before its answer": (saying(b""), "broken-answer"),
    "answers garbage": (saying(b"\xff\x00nonsense\r\n\r\n"), "broken-answer"),
    "answers half a message": (saying(http_answer(GOOD)[:-7]), "broken-answer"),
    "answers half a document": (saying(http_answer(GOOD[:-7])), "broken-answer"),
    "says what no machine has": (saying(http_answer(IMPOSSIBLE)), "broken-answer"),
    "answers another document": (saying(http_answer(msgspec.msgpack.encode({"a": 1}))), "broken-answer"),
    "is ten times too slow": (trickling(http_answer(GOOD), 0.1), "timeout"),
    "speaks a far newer schema": (saying(http_answer(GOOD, schema=str(SCHEMA_VERSION + 7))), "version"),
    "is no memcollect agent": (saying(http_answer(GOOD, schema=None)), "broken-answer"),
    "cannot measure": (saying(http_answer(b"no cgroup v2", status="500 Oops")), "agent-error"),
}


@pytest.mark.parametrize("how", BAD_AGENTS)
def test_one_bad_agent_costs_its_own_pods_and_no_others(how: str, command: Command) -> None:
    behaviour, reason = BAD_AGENTS[how]
    with listening(behaviour) as port:
        command.live.reach(NODE_6, port)
        snapshot = command.incomplete("-n", "deer-flow", "-n", "team-b", "--timeout", "2")
    assert {pod.node for pod in snapshot.pods if pod.cgroup is not None} == {NODE_7}
    assert [(each.name, each.reason) for each in snapshot.missing] == [
        (f"team-b/sandbox-{letter}", reason) for letter in "abc"
    ]
    assert all(
        each.detail.endswith((".", "deploy/")) and each.detail[0].isupper() for each in snapshot.missing
    )


def test_an_agent_that_refuses(command: Command) -> None:
    command.live.reach(NODE_7, refusing_port())
    assert {each.reason for each in command.incomplete().missing} == {"agent-refused"}


@pytest.mark.parametrize("stream", [StreamFault.CUT, StreamFault.CLOSE, StreamFault.ERROR])
@pytest.mark.parametrize("after", [0, 500])
def test_a_port_forward_that_breaks(command: Command, stream: StreamFault, after: int) -> None:
    fault = Fault(".*/portforward", times=None, stream=stream, stream_after_bytes=after)
    command.live.state.fault(fault)
    missing = command.incomplete("--timeout", "3").missing
    assert {each.reason for each in missing} <= {"broken-answer", "agent-unreachable"}
    assert len(missing) == 3


def test_a_port_forward_that_hangs(command: Command) -> None:
    command.live.state.fault(Fault(".*/portforward", times=None, stream=StreamFault.HANG))
    assert {each.reason for each in command.incomplete("--timeout", "1").missing} == {"timeout"}


def test_a_port_forward_that_is_denied_names_the_right(command: Command) -> None:
    command.live.state.fault(Fault(".*/portforward", times=None, status=403))
    missing = command.incomplete().missing
    assert {each.reason for each in missing} == {"denied"}
    assert "kubectl auth can-i create pods/portforward" in missing[0].detail


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "does not accept the credentials"),
        (403, "You may not list pods"),
        (404, "has no pods"),
        (500, "answered HTTP 500"),
    ],
)
def test_pods_that_cannot_be_listed_are_one_sentence(status: int, words: str, command: Command) -> None:
    command.live.state.fault(Fault(PODS, times=None, status=status))
    failed = command.fails()
    assert failed.code == 1
    assert words in failed.sentence


def test_a_busy_api_server_is_asked_again_when_it_says(command: Command) -> None:
    command.live.state.fault(Fault(PODS, times=1, status=429, retry_after_seconds=1))
    assert len(command.incomplete(code=0).pods) == 3
    assert command.live.state.requests.paths().count(PODS) == 2


def test_an_api_server_that_stays_busy_is_one_sentence(command: Command) -> None:
    command.live.state.fault(Fault(PODS, times=None, status=429, retry_after_seconds=9))
    failed = command.fails("--request-timeout", "0.5")
    assert failed.code == 1
    assert "answered HTTP 429" in failed.sentence


def test_an_api_server_that_hangs_is_one_sentence(command: Command) -> None:
    command.live.state.fault(Fault(PODS, times=None, hang=True))
    failed = command.fails("--request-timeout", "0.2")
    assert failed.code == 1
    assert "did not answer in 0.2 s" in failed.sentence


def test_an_answer_that_breaks_off_and_stays_so_is_one_sentence(command: Command) -> None:
    command.live.state.fault(Fault(PODS, times=None, truncate_after_bytes=100))
    assert "cannot be reached" in command.fails("--request-timeout", "0.5").sentence


def test_what_is_no_api_server_is_one_sentence(command: Command) -> None:
    command.live.state.fault(Fault(PODS, times=None, body=b"<html>log in</html>"))
    assert "is not Kubernetes" in command.fails().sentence


def test_no_api_server_at_all_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(
        '{"apiVersion": "v1", "kind": "Config", "current-context": "c", "users": [],'
        f'"clusters": [{{"name": "c", "cluster": {{"server": "http://127.0.0.1:{refusing_port()}"}}}}],'
        '"contexts": [{"name": "c", "context": {"cluster": "c", "user": ""}}]}'
    )
    code = run(["snapshot", "--kubeconfig", str(kubeconfig), "--request-timeout", "0.3"], "memcollect")
    output = capsys.readouterr()
    assert code == 1
    assert "Connection refused" in Failed(code, output.out, output.err).sentence


def test_without_a_metrics_api_everything_else_is_there(command: Command) -> None:
    command.live.state.metrics = False
    snapshot = command.incomplete()
    assert [(each.kind, each.reason) for each in snapshot.missing] == [("metrics", "no-metrics-api")]
    assert all(pod.cgroup is not None for pod in snapshot.pods)
    assert all(pod.top and "install metrics-server" in pod.top.detail for pod in snapshot.pods)
    assert all(pod.ladder and pod.ladder.rungs[-1].bytes is None for pod in snapshot.pods)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(METRICS, times=None, status=403), "denied"),
        (Fault(METRICS, times=None, status=503), "metrics-unavailable"),
        (Fault(METRICS, times=None, hang=True), "metrics-unavailable"),
        (Fault(METRICS, times=None, drop=True), "metrics-unavailable"),
    ],
)
def test_a_metrics_api_that_fails_spoils_nothing_else(fault: Fault, reason: str, command: Command) -> None:
    command.live.state.fault(fault)
    snapshot = command.incomplete("--request-timeout", "0.5")
    assert [(each.kind, each.reason) for each in snapshot.missing] == [("metrics", reason)]
    assert all(pod.cgroup is not None for pod in snapshot.pods)


@pytest.mark.parametrize("arguments", [["-n", "no-such-namespace"], ["-l", "app=nobody"]])
def test_what_matches_nothing_is_exit_3_and_a_sentence(arguments: list[str], command: Command) -> None:
    failed = command.fails(*arguments, "--format", "json", "-o", str(command.path))
    assert failed.code == 3
    written, told = failed.err.splitlines()
    assert written.endswith(f"written to {command.path}")
    assert "1 asked for and not measured: no pod in " in told
    assert "matches app=" in told
    instead = (
        "3 other pods are there; deer-flow/sandbox-a, deer-flow/sandbox-b, deer-flow/sandbox-c look like"
        if arguments[0] == "-l"
        else "check the namespace and the selector"
    )
    assert instead in told
    snapshot = read_snapshot(str(command.path))
    assert [each.reason for each in snapshot.missing] == ["no-match"]
    assert (snapshot.pods, snapshot.summary.working_set_bytes) == ([], None)


def test_what_matches_nothing_is_said_in_the_table_too(
    live: LiveCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["snapshot", *live.options(), "-l", "app=nobody"], "memcollect") == 3
    output = capsys.readouterr()
    assert "no pod in deer-flow" in " ".join(output.out.split())
    assert len(output.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is neither YAML nor JSON"),
        ("", "is empty"),
        ("[]", "it is not a kubeconfig"),
        ("a: [", "is neither YAML nor JSON"),
    ],
)
def test_a_broken_kubeconfig_is_one_sentence(
    text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config").write_text(text)
    code = run(["snapshot", "--kubeconfig", str(tmp_path / "config")], "memcollect")
    output = capsys.readouterr()
    failed = Failed(code, output.out, output.err)
    assert failed.code == 1
    assert words in failed.sentence


def test_a_kubeconfig_that_is_not_there_is_called_by_what_named_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/no/such/file")
    assert run(["snapshot"], "memcollect") == 1
    assert "There is no kubeconfig at /no/such/file, which KUBECONFIG names." in capsys.readouterr().err


def test_a_context_that_does_not_exist_is_one_sentence(command: Command) -> None:
    failed = command.fails("--context", "nowhere")
    assert failed.code == 1
    assert "has no context 'nowhere'" in failed.sentence
    assert "stand-in" in failed.sentence


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-A", "-n", "deer-flow"], "-A and -n"),
        (["-n", "Not/A Namespace"], "cannot be the name of a namespace"),
        (["a/b/c"], "cannot be the name of a namespace"),
        (["--match", "x"], "--match"),
        (["--local", "sandbox-a"], "--match"),
        (["--local", "-n", "deer-flow"], "--namespace"),
    ],
)
def test_what_cannot_be_meant_is_exit_2_and_a_sentence(
    arguments: list[str], words: str, command: Command
) -> None:
    failed = command.fails(*arguments)
    assert failed.code == 2
    assert words in failed.sentence
    assert len(command.live.state.requests) == 0
