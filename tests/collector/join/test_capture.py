import msgspec
import pytest

from memcollect.documents.snapshot import Container, Pod
from memcollect.join import missing_from_problem, missing_of_node
from memcollect_agent.wire import Problem
from worlds.builders import idle_cgroup

UID = "b361119b-f663-4d3c-a6b4-4f72a32a506f"
POD_PATH = f"/kubepods.slice/kubepods-pod{UID.replace('-', '_')}.slice"


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [("denied", "run as root"), ("budget", "raise --timeout"), ("not-found", "check that")],
)
def test_a_problem_is_missing_with_what_to_do(reason: str, remedy: str) -> None:
    missing = missing_from_problem(
        Problem(kind="pod", name="p", reason=reason, detail="it was not read"), "node-1"
    )
    assert (missing.kind, missing.name, missing.node, missing.reason) == ("pod", "p", "node-1", reason)
    assert missing.detail.startswith(f"it was not read; {remedy}")


def test_a_problem_whose_sentence_says_all_is_left_as_it_is() -> None:
    problem = Problem(kind="node", name="n", reason="unsupported", detail="upgrade the agent")
    assert missing_from_problem(problem, "n").detail == "upgrade the agent"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (UID, "team/a"),
        (POD_PATH, "team/a"),
        (f"{POD_PATH}/cri-containerd-{'a' * 64}.scope", "team/a/app"),
        (f"{POD_PATH}/cri-containerd-{'a' * 64}.scope/below", "team/a/app"),
        (f"{POD_PATH}/cri-containerd-{'b' * 64}.scope", "team/a"),
        ("/system.slice/x.service", "/system.slice/x.service"),
        ("smaps_rollup", "smaps_rollup"),
    ],
)
@pytest.mark.parametrize("measured", [False, True])
def test_what_an_agent_tells_of_a_cgroup_is_told_of_its_pod(name: str, shown: str, *, measured: bool) -> None:
    cgroup = msgspec.structs.replace(idle_cgroup(0), path=f"{POD_PATH}/cri-containerd-{'a' * 64}.scope")
    own = msgspec.structs.replace(idle_cgroup(0), path=POD_PATH) if measured else None
    app = Container(name="app", cgroup=cgroup)
    row = Pod(uid=UID, name="a", namespace="team", containers=[app], cgroup=own)
    problem = Problem(kind="container", name=name, reason="unreadable", detail="it was not read")
    (missing,) = missing_of_node([problem], [row], "n1")
    assert missing.name == shown
