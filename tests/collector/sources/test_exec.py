import sys
import threading
import time
from collections.abc import Iterator

import pytest

from memcollect.sources import kube_config
from memcollect.sources.deadline import Deadline
from memcollect.sources.exec import LARGEST_OUTPUT_BYTES, ExecError, Executor, Place
from memcollect.testing import PODS, Cluster, ExecRefusedError, Fault, StreamFault, objects
from worlds.lost_token import LOST, lose_token
from worlds.waiting import PATIENCE

PLACE = Place(namespace="team", pod="web")
PATH = "/api/v1/namespaces/team/pods/web/exec"


@pytest.fixture(autouse=True)
def pod(state: Cluster) -> None:
    state.put(PODS, objects.pod("team", "web", node="node-1", containers=("main", "side")))
    state.on_exec = lambda _pod, _container, command: command


@pytest.fixture
def executor(cluster: kube_config.Cluster) -> Iterator[Executor]:
    made = Executor(cluster)
    yield made
    made.close()


def python(executor: Executor, code: str, seconds: float = 20.0) -> tuple[int, bytes, bytes]:
    result = executor.run(PLACE, [sys.executable, "-c", code], Deadline(seconds))
    return result.exit_code, result.stdout.kept, result.stderr.kept


def refused(executor: Executor, command: list[str], seconds: float = 20.0, place: Place = PLACE) -> ExecError:
    with pytest.raises(ExecError) as caught:
        executor.run(place, command, Deadline(seconds))
    return caught.value


def test_both_streams_and_success(executor: Executor) -> None:
    assert python(executor, "import sys; print('out'); print('err', file=sys.stderr)") == (
        0,
        b"out\n",
        b"err\n",
    )


def test_an_exit_code_is_a_result(executor: Executor) -> None:
    assert python(executor, "raise SystemExit(7)")[0] == 7


def test_one_executor_runs_one_command_after_the_other(executor: Executor) -> None:
    assert [python(executor, f"raise SystemExit({code})")[0] for code in (0, 1, 2)] == [0, 1, 2]


def test_bytes_that_are_no_text_arrive_as_they_are(executor: Executor) -> None:
    assert python(executor, r"import os; os.write(1, bytes(range(256)))")[1] == bytes(range(256))


def test_of_much_output_the_end_is_kept_and_the_rest_counted(executor: Executor) -> None:
    code = "import sys; sys.stdout.write('x' * 3_000_000 + 'why')"
    output = executor.run(PLACE, [sys.executable, "-c", code], Deadline(20)).stdout
    assert (len(output.kept), output.written_bytes) == (LARGEST_OUTPUT_BYTES, 3_000_003)
    assert output.kept.endswith(b"xxwhy")


def test_the_container_that_is_named_runs_it(executor: Executor, state: Cluster) -> None:
    asked = []
    state.on_exec = lambda _pod, container, _command: asked.append(container) or ["true"]  # type: ignore[func-returns-value]
    executor.run(Place(namespace="team", pod="web", container="side"), ["x"], Deadline(20))
    assert asked == ["side"]


def test_a_token_that_cannot_be_read_again_is_told(executor: Executor, cluster: kube_config.Cluster) -> None:
    lose_token(cluster)
    error = refused(executor, ["true"])
    assert (error.reason, str(error)) == ("denied", f"{cluster.origin} {LOST}")


def test_a_command_that_does_not_end_in_time(executor: Executor) -> None:
    began = time.monotonic()
    error = refused(executor, ["sleep", "120"], seconds=0.5)
    assert error.reason == "timeout"
    assert "may still run" in str(error)
    assert time.monotonic() - began < PATIENCE


def test_a_handshake_that_hangs(executor: Executor, state: Cluster) -> None:
    state.fault(Fault(PATH, hang=True))
    assert refused(executor, ["true"], seconds=0.5).reason == "timeout"
    assert python(executor, "pass")[0] == 0


def test_a_program_that_is_not_there(executor: Executor, state: Cluster) -> None:
    def on_exec(*_: object) -> list[str]:
        raise ExecRefusedError("executable file not found in $PATH")

    state.on_exec = on_exec
    error = refused(executor, ["node"])
    assert error.reason == "refused"
    assert "executable file not found" in str(error)


@pytest.mark.parametrize("verb", ["get", "create"])
def test_what_is_denied_names_the_right(executor: Executor, state: Cluster, verb: str) -> None:
    state.access.deny(verb, "pods/exec")
    error = refused(executor, ["true"])
    assert error.reason == "denied"
    assert f"You may not {verb} pods/exec" in str(error)
    assert f"kubectl auth can-i {verb} pods/exec -n team" in str(error)


def test_a_pod_that_is_gone(executor: Executor) -> None:
    assert refused(executor, ["true"], place=Place(namespace="team", pod="nobody")).reason == "gone"


def test_a_connection_that_is_cut_is_no_success(executor: Executor, state: Cluster) -> None:
    state.fault(Fault(PATH, stream=StreamFault.CUT))
    assert refused(executor, ["true"]).reason == "unreachable"


def test_ctrl_c_ends_the_wait(executor: Executor) -> None:
    pressed = threading.Event()
    timer = threading.Timer(0.4, pressed.set)
    timer.start()
    with pytest.raises(ExecError) as caught:
        executor.run(PLACE, ["sleep", "60"], Deadline(60), pressed.is_set)
    timer.join()
    assert caught.value.reason == "interrupted"
