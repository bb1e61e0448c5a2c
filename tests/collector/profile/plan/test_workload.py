import msgspec

from memcollect.profile.plan.model import Exec, Nothing, Plan, Seconds, Settle
from memcollect.profile.plan.parse import parse_plan
from memcollect.profile.plan.shipped import text_of
from memcollect.profile.plan.workload import canonical, workload_of

PHASE = Exec(name="a", command=["sh", "-c", "echo 1"])


def plan() -> Plan:
    return parse_plan(text_of("guide")[0])


def digest(phase: Exec) -> str:
    found = workload_of(phase, plan())
    assert found is not None
    return found.sha256


def test_one_changed_byte_is_another_workload() -> None:
    other = msgspec.structs.replace(PHASE, command=["sh", "-c", "echo 2"])
    assert digest(PHASE) != digest(other)


def test_words_are_not_run_together() -> None:
    joined = msgspec.structs.replace(PHASE, command=["sh", "-c echo 1"])
    assert digest(PHASE) != digest(joined)


def test_another_time_limit_or_container_is_another_workload() -> None:
    changed = [
        msgspec.structs.replace(PHASE, time_limit=Seconds(1)),
        msgspec.structs.replace(PHASE, container="side"),
    ]
    assert len({digest(each) for each in [PHASE, *changed]}) == 3


def test_its_name_and_how_it_is_measured_do_not_count() -> None:
    same = msgspec.structs.replace(PHASE, name="b", version="2", settle=Settle())
    assert digest(PHASE) == digest(same)


def test_doing_nothing_is_no_workload() -> None:
    assert workload_of(Nothing(name="empty"), plan()) is None


def test_the_text_that_is_hashed_is_what_is_run() -> None:
    assert msgspec.json.decode(canonical(PHASE)) == {
        "do": "exec",
        "command": ["sh", "-c", "echo 1"],
        "container": "",
        "time_limit": 120.0,
    }


def test_the_guides_workloads_have_the_plans_version() -> None:
    versions = {workload.version for phase in plan().phases if (workload := workload_of(phase, plan()))}
    assert versions == {"1"}
