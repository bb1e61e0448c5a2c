"""Entries of a pod's list in the metrics API that are of no container of the pod."""

from memcollect.join.toplist import shape_of
from memcollect.kubernetes.usage import Usage

MIB = 1 << 20
SIZES: dict[str, int | None] = {"app": 100 * MIB}


def listed(**sizes: int) -> list[Usage]:
    return [Usage(name=name, memory_bytes=size * MIB) for name, size in sizes.items()]


def test_a_container_that_the_pod_does_not_have_is_named_and_not_counted() -> None:
    shape = shape_of(listed(app=100, proxy=45), SIZES)

    assert [each.name for each in shape.usages] == ["app"]
    assert shape.shown_bytes == 145 * MIB
    assert shape.remark == "it adds up an entry called proxy (45 MiB), which is not a container of this pod"


def test_the_pause_container_is_called_by_what_it_is() -> None:
    shape = shape_of([*listed(app=100), Usage(name="POD", memory_bytes=MIB)], SIZES)

    assert "adds up the pause container (1 MiB)" in shape.remark


def test_a_container_that_the_pod_has_and_that_is_no_app_container_is_no_stranger() -> None:
    shape = shape_of(listed(app=100, init=45), SIZES, ["app", "init"])

    assert (shape.remark, shape.shown_bytes) == ("", None)


def test_a_list_of_nothing_but_strangers_stays_as_it_is() -> None:
    assert [each.name for each in shape_of(listed(proxy=45), SIZES).usages] == ["proxy"]
