from typing import Any

import msgspec
import pytest

from memcollect.compare.grown.services import services_off
from memcollect.compare.growth import ServicesOff
from memcollect.documents.snapshot import Pod, Service
from worlds.compare_builders import MIB, pod, process

JUPYTER = Service(
    name="Jupyter",
    processes=2,
    saves_low_bytes=100 * MIB,
    saves_high_bytes=130 * MIB,
    saves_kernel_bytes=10 * MIB,
)
CODE = Service(
    name="code-server",
    processes=1,
    saves_low_bytes=200 * MIB,
    saves_high_bytes=230 * MIB,
    saves_kernel_bytes=10 * MIB,
)
BROWSER = Service(name="browser", processes=1, saves_low_bytes=1, saves_high_bytes=2)
REST = [Service(name="other", processes=3), Service(name="unlisted", processes=4)]


def having(anon: int, *services: Service, **more: Any) -> Pod:
    """Return a pod with one container, all of whose processes are listed unless `more` says otherwise."""
    made = pod(anon, processes=[process("init", 1)], **more)
    containers = [msgspec.structs.replace(each, services=list(services)) for each in made.containers]
    return msgspec.structs.replace(made, containers=containers)


def test_what_services_saved_stands_beside_what_was_predicted() -> None:
    before = having(800 * MIB, JUPYTER, CODE, BROWSER, *REST)
    (off,) = services_off(before, having(480 * MIB, BROWSER, REST[0]))
    assert off == ServicesOff(
        container=before.containers[0].name,
        services=["Jupyter", "code-server"],
        predicted_low_bytes=300 * MIB,
        predicted_high_bytes=350 * MIB,
        fell_bytes=320 * MIB,
    )


def test_where_all_run_on_nothing_is_off() -> None:
    assert services_off(having(MIB, JUPYTER, *REST), having(MIB, JUPYTER)) == []
    assert services_off(having(MIB, *REST), having(MIB)) == []


def test_a_service_that_may_only_not_be_listed_is_not_off() -> None:
    later = having(MIB)
    (container,) = later.containers
    assert container.sums is not None
    cut = msgspec.structs.replace(container, sums=msgspec.structs.replace(container.sums, read=9))
    assert services_off(having(MIB, JUPYTER), msgspec.structs.replace(later, containers=[cut])) == []


@pytest.mark.parametrize("end", ["saves_low_bytes", "saves_high_bytes"])
def test_an_end_that_one_of_them_has_not_is_not_known_of_both(end: str) -> None:
    other = msgspec.structs.replace(CODE, **{end: None})
    (off,) = services_off(having(MIB, JUPYTER, other), having(MIB))
    known = {"saves_low_bytes": off.predicted_low_bytes, "saves_high_bytes": off.predicted_high_bytes}
    assert known[end] is None


def test_a_charge_that_was_not_measured_is_no_fall() -> None:
    before = having(MIB, JUPYTER)
    (container,) = before.containers
    unknown = msgspec.structs.replace(before, containers=[msgspec.structs.replace(container, cgroup=None)])
    (off,) = services_off(unknown, having(MIB))
    assert off.fell_bytes is None
