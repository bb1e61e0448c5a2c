from memcollect.testing import Fault
from memcollect.testing.faults import FaultScript


def test_faults_happen_in_order_and_as_often_as_they_say() -> None:
    script = FaultScript()
    script.add(Fault("/api/v1/pods", status=429, times=2), Fault("/api/v1/pods", status=500))
    taken = [script.take("GET", "/api/v1/pods") for _ in range(4)]
    assert [fault and fault.status for fault in taken] == [429, 429, 500, None]


def test_a_fault_without_an_end_goes_on() -> None:
    script = FaultScript()
    script.add(Fault("/", times=None, status=500))
    assert all(script.take("GET", "/version") for _ in range(5))
    script.clear()
    assert script.take("GET", "/version") is None


def test_a_fault_keeps_to_its_path_and_method() -> None:
    script = FaultScript()
    script.add(Fault("/api/v1/namespaces/[^/]+/pods$", method="GET", drop=True))
    assert script.take("GET", "/api/v1/namespaces/team/pods/a") is None
    assert script.take("POST", "/api/v1/namespaces/team/pods") is None
    assert script.take("GET", "/api/v1/namespaces/team/pods") is not None


def test_a_fault_may_let_some_requests_pass_first() -> None:
    script = FaultScript()
    script.add(Fault("/api/v1/pods", status=500, skip=2))
    assert [script.take("GET", "/api/v1/pods") is not None for _ in range(4)] == [False, False, True, False]
