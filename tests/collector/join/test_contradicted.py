"""What the node knows against a number that it does not explain."""

import pytest

from memcollect.documents.snapshot import Container, Pod, Top
from memcollect.join import ClusterFacts
from memcollect.join.contradicted import Alike, Surroundings, alike_in, with_contradictions, with_equals
from memcollect.kubernetes.usage import Metrics, PodUsage, Usage
from memcollect_agent.wire import Cgroup, Process

MIB = 1 << 20


def told(size: int, around: Surroundings | None = None, **more: object) -> str:
    """Return what is said of a number over a container of 100 MiB."""
    fields: dict[str, object] = {"current_bytes": 100 * MIB, "peak_bytes": 120 * MIB} | more
    processes = [Process(pid=7, ppid=1, comm="launcher", start_time=1, rss_bytes=1260 << 10)]
    container = Container(name="app", cgroup=Cgroup(path="/a", **fields), processes=processes)  # type: ignore[arg-type]
    top = Top(source="s", memory_bytes=size, status="unexplained", detail="differs")
    return with_contradictions(top, container, around or Surroundings()).detail


def test_more_than_the_node_has_is_no_measurement_of_a_container() -> None:
    assert told(1 << 60, Surroundings(node_memory_bytes=16 << 30)).startswith(
        "1048576 TiB is more than the node has (16 GiB)"
    )


def test_more_than_the_cgroup_ever_held_is_another_containers() -> None:
    assert told(130 * MIB) == (
        "130 MiB is more than its cgroup ever held (120 MiB): the number is not this container's"
    )


def test_the_rss_of_one_process_is_named() -> None:
    assert told(1260 << 10).startswith("1.2 MiB is the RSS of process 7 (launcher) alone")


def test_without_a_peak_what_lives_in_the_cgroup_speaks() -> None:
    assert told(500 * MIB, peak_bytes=None).startswith("500 MiB is not possible by what the node shows")
    assert "100 MiB of ordinary processes" in told(500 * MIB, peak_bytes=None)


def test_a_young_pod_may_be_counted_with_an_earlier_one_of_its_name() -> None:
    assert told(115 * MIB, Surroundings(pod_age_seconds=104)) == (
        "differs; the pod was 104 s old then, so the number may hold an earlier pod of its name, too"
    )
    assert told(115 * MIB, Surroundings(pod_age_seconds=4000)) == "differs"


@pytest.mark.parametrize("status", ["reconciled", "drifted", "stale", "no-metrics"])
def test_what_is_explained_is_left_alone(status: str) -> None:
    top = Top(source="s", memory_bytes=1 << 60, status=status, detail="as it was")
    assert with_contradictions(top, None, Surroundings(node_memory_bytes=1)) == top


def test_a_sandboxs_number_may_count_what_the_host_does_not() -> None:
    assert told(500 * MIB, Surroundings(sandboxed=True)) == "differs"


def test_a_container_that_the_pod_does_not_have_contradicts_nothing() -> None:
    top = Top(source="s", memory_bytes=MIB, status="unexplained", detail="differs")
    assert with_contradictions(top, None, Surroundings()) == top


def equals(numbers: dict[str, dict[str, int]], status: str = "unexplained") -> Pod:
    """Return the first pod of a namespace's numbers, with what is said of those that others have, too."""
    usages = {
        pod: PodUsage(
            namespace="team", name=pod, containers=[Usage(name=n, memory_bytes=b) for n, b in sizes.items()]
        )
        for pod, sizes in numbers.items()
    }
    name, sizes = next(iter(numbers.items()))
    containers = [
        Container(name=each, top=Top(source="s", memory_bytes=size, status=status, detail="differs"))
        for each, size in sizes.items()
    ]
    row = Pod(uid="1", namespace="team", name=name, containers=containers, top=containers[0].top)
    metrics = Metrics(pods={("team", pod): one for pod, one in usages.items()})
    return with_equals(row, metrics, alike_in(metrics))


def detail(pod: Pod) -> str:
    assert pod.top is not None
    return pod.top.detail


def test_a_number_that_other_pods_have_to_the_byte_is_called_a_sum_or_a_copy() -> None:
    two = {"w-0": {"app": 7 * MIB}, "w-1": {"app": 7 * MIB}, "other": {"app": 7 * MIB + 1024}}
    many = {f"w-{number}": {"app": 7 * MIB} for number in range(6)}

    assert detail(equals(two)) == ("differs; w-1 has the same number: it may be a copy or a sum of them")
    assert "w-1, w-2, w-3 and 2 more have the same number" in detail(equals(many))


def test_of_one_pods_containers_the_others_are_named() -> None:
    pod = equals({"pair": {"a": 9 * MIB, "b": 9 * MIB}, "w-1": {"app": 9 * MIB}})

    assert "; container b has the same number" in detail(pod)
    assert [each.top.detail for each in pod.containers if each.top][1].startswith("differs; container a has")


@pytest.mark.parametrize("status", ["reconciled", "stale"])
def test_equal_numbers_that_are_explained_are_nothing(status: str) -> None:
    assert detail(equals({"w-0": {"app": MIB}, "w-1": {"app": MIB}}, status)) == "differs"


def test_the_anonymous_memory_alone_is_named_before_any_one_process() -> None:
    said = told(1260 << 10, stat={"anon": 1260 << 10})

    assert said.startswith("1.2 MiB is its anonymous memory alone: whoever feeds the metrics API leaves out")


def test_a_number_below_what_this_container_holds_is_no_sum_over_several() -> None:
    top = Top(source="s", memory_bytes=5 * MIB, status="unexplained", detail="differs")
    container = Container(name="app", cgroup=Cgroup(path="/a", current_bytes=100 * MIB), top=top)
    row = Pod(uid="u", name="a", namespace="team", containers=[container], top=top)

    usage = PodUsage(namespace="team", name="a", containers=[Usage(name="app", memory_bytes=5 * MIB)])
    alike = {5 * MIB: Alike((("team", "a"), ("team", "b")), 2)}
    said = detail(with_equals(row, Metrics(pods={("team", "a"): usage}), alike))
    assert said == "differs; b has the same number: it may be a copy"


@pytest.mark.parametrize("alike", [1, 2, 4, 9])
def test_of_a_part_of_the_answer_the_same_is_said_as_of_the_whole(alike: int) -> None:
    """Another process is handed its own node's numbers alone, and who has the same may be elsewhere."""
    names = [f"w-{number}" for number in range(alike)]
    usages = {
        ("team", name): PodUsage(
            namespace="team", name=name, containers=[Usage(name="app", memory_bytes=MIB)]
        )
        for name in names
    }
    whole = ClusterFacts(metrics=Metrics(pods=usages))
    for name in names:
        part = whole.narrowed([("team", name)])
        top = Top(source="s", memory_bytes=MIB, status="unexplained", detail="differs")
        row = Pod(uid="1", namespace="team", name=name, containers=[Container(name="app", top=top)], top=top)
        told = with_equals(row, whole.metrics, whole.alike)
        assert with_equals(row, part.metrics, part.alike) == told
        assert ("the same number" in detail(told)) == (alike > 1)
        assert len(part.metrics.pods) == 1
        assert all(len(each.first) <= 4 for each in part.alike.values())
