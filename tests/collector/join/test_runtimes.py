import pytest

from memcollect.documents.snapshot import Container, Runtime, Top
from memcollect.join.runtimes import attribute_provider, runtime_of
from worlds.join_builders import MIB, measured

VM = Runtime(family="vm")
DEFAULT = Runtime(family="default")


def top(size: int | None, status: str = "unexplained") -> Top:
    return Top(source="metrics.k8s.io", memory_bytes=size, status=status)


def holding(size: int) -> Container:
    return Container(name="app", cgroup=measured("a", working_set=size).cgroup)


def providers(tops: list[Top]) -> list[tuple[str, str]]:
    return [(each.provider, each.status) for each in tops]


@pytest.mark.parametrize(
    ("runtime_class", "handler", "family"),
    [
        (None, None, "default"),
        ("gvisor", "runsc", "gvisor"),
        ("sandboxed", "runsc", "gvisor"),
        ("kata-qemu", "kata-qemu", "kata"),
        ("KATA", None, "kata"),
        ("fast", "crun", "crun"),
        ("mystery", "mystery", "unknown"),
    ],
)
def test_the_family_is_told_by_class_and_handler(
    runtime_class: str | None, handler: str | None, family: str
) -> None:
    runtime = runtime_of(runtime_class, handler)
    assert runtime.family == family
    assert runtime.evidence


@pytest.mark.parametrize(("family", "provider"), [("gvisor", "gvisor-split"), ("kata", "kata-guest")])
@pytest.mark.parametrize("status", ["unexplained", "unaligned", "stale"])
def test_a_runtime_class_names_the_provider_of_what_the_host_does_not_explain(
    family: str, provider: str, status: str
) -> None:
    tops = attribute_provider([top(300 * MIB, status)], [holding(200 * MIB)], Runtime(family=family))
    assert providers(tops) == [(provider, "different-provider")]
    assert tops[0].detail


def test_what_the_hosts_cgroup_explains_stays_so_whatever_the_class_says() -> None:
    tops = [top(300 * MIB, "reconciled"), top(100 * MIB, "drifted")]
    assert attribute_provider(tops, [holding(1), holding(1)], Runtime(family="gvisor")) == tops


@pytest.mark.parametrize("status", ["no-metrics", "not-measured"])
def test_a_number_that_is_not_there_has_no_other_provider(status: str) -> None:
    tops = [top(None if status == "no-metrics" else 5, status)]
    assert attribute_provider(tops, [None], Runtime(family="kata")) == tops


@pytest.mark.parametrize(
    ("numbers", "held"), [((300 * MIB, 300 * MIB + 1), 0), ((300 * MIB, 80 * MIB), 0), ((300 * MIB,), 4096)]
)
def test_numbers_alone_prove_no_sandbox(numbers: tuple[int, ...], held: int) -> None:
    """An adapter that adds up thirty replicas gives the same."""
    tops = [top(number) for number in numbers]
    assert attribute_provider(tops, [holding(held)] * len(tops), DEFAULT) == tops


def test_numbers_over_the_empty_cgroups_of_a_virtual_machine_are_its_guests() -> None:
    tops = attribute_provider([top(300 * MIB), top(80 * MIB)], [holding(4096), holding(0)], VM)
    assert providers(tops) == [("sandbox-guest", "different-provider")] * 2
    assert "inside a sandbox" in tops[0].detail


def test_unequal_numbers_of_gvisors_containers_are_no_split() -> None:
    tops = [top(330 * MIB), top(41 * MIB)]
    found = attribute_provider(tops, [holding(0), holding(0)], Runtime(family="gvisor"))
    assert providers(found) == [("gvisor-containers", "different-provider")] * 2
    assert "no split" in found[0].detail


def test_a_class_that_the_node_contradicts_names_no_provider() -> None:
    tops = [top(300 * MIB)]
    runtime = Runtime(family="kata", disagreement="its processes run on the host's kernel")
    assert attribute_provider(tops, [holding(200 * MIB)], runtime) == tops


def test_a_container_that_has_just_freed_everything_is_no_guest() -> None:
    """Without history nobody knows whether the cgroup was as empty when the sample was taken."""
    tops = [top(300 * MIB, "unaligned")]
    assert attribute_provider(tops, [holding(4096)], VM) == tops


def test_a_full_cgroup_speaks_against_a_sandbox() -> None:
    tops = [top(300 * MIB), top(300 * MIB)]
    assert attribute_provider(tops, [holding(4096), holding(250 * MIB)], VM) == tops


def test_an_unmeasured_cgroup_says_nothing() -> None:
    tops = [top(300 * MIB), top(300 * MIB)]
    assert attribute_provider(tops, [holding(0), None], VM) == tops
