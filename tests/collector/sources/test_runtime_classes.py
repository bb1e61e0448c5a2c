from memcollect.documents.snapshot import Missing
from memcollect.sources.api import Api
from memcollect.sources.runtime_classes import runtime_classes
from memcollect.testing import RUNTIME_CLASSES, Cluster, objects


def test_runtime_classes_come_by_name_with_handler_and_overhead(
    api: Api, state: Cluster, told: list[Missing]
) -> None:
    overhead = {"overhead": {"podFixed": {"memory": "160Mi"}}}
    state.put(RUNTIME_CLASSES, objects.runtime_class("kata", "kata-qemu") | overhead)
    state.put(RUNTIME_CLASSES, objects.runtime_class("gvisor", "runsc"))

    found = runtime_classes(api, told.append)

    assert {name: item.handler for name, item in found.items()} == {"kata": "kata-qemu", "gvisor": "runsc"}
    assert found["kata"].overhead.pod_fixed == {"memory": "160Mi"}


def test_a_cluster_without_any_has_none(api: Api, told: list[Missing]) -> None:
    assert runtime_classes(api, told.append) == {}
