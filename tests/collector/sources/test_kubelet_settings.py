"""A kubelet's command line and files, understood as the kubelet does."""

import pytest

from memcollect.documents.snapshot import Thresholds
from memcollect.sources.kubelet_settings import NOT_FOUND, thresholds
from memcollect.units import GIB, MIB
from memcollect_agent.wire import Kubelet, KubeletFile

CAPACITY = 16 * GIB


def files(*texts: str, **options: str) -> Kubelet:
    told = {name.replace("_", "-"): text for name, text in options.items()}
    found = [KubeletFile(path=f"/etc/{place}", text=text) for place, text in enumerate(texts)]
    return Kubelet(files=found, options=told)


@pytest.mark.parametrize(
    ("kubelet", "hard_bytes", "source"),
    [
        (files(eviction_hard="memory.available<500Mi,nodefs.available<10%"), 500 * MIB, "--eviction-hard"),
        (files(eviction_hard=" memory.available < 5% "), CAPACITY // 20, "--eviction-hard"),
        (files(eviction_hard="nodefs.available<10%"), 0, "--eviction-hard"),
        (files("evictionHard: {memory.available: 1Gi}", eviction_hard=""), 0, "--eviction-hard"),
        (files("evictionHard:\n  memory.available: 750Mi"), 750 * MIB, "evictionHard in /etc/0"),
        (files('{"evictionHard":{"memory.available":"1Gi"}}'), GIB, "/etc/0"),
        (files("evictionHard: {memory.available: 1Gi}", "", "evictionHard: {a: 1%}"), GIB, "/etc/2"),
        (files("evictionHard: {a: 1%}", "evictionHard: {memory.available: 2Gi}"), 2 * GIB, "/etc/1"),
        (files("evictionHard: {a: 1%}"), 0, "/etc/0"),
        (files("evictionHard: {}"), 0, "/etc/0"),
        (files("evictionHard: {memory.available: 0%}"), 0, "/etc/0"),
        (files("evictionHard: {memory.available: 100%}"), 0, "/etc/0"),
        (files("evictionHard: {a: 1%}\nmergeDefaultEvictionSettings: true"), 100 * MIB, "/etc/0"),
        (files("", ""), 100 * MIB, "was not told to change"),
        (files(), 100 * MIB, "was not told to change"),
        (files("evictionSoft: {memory.available: 1Gi}"), 100 * MIB, "was not told to change"),
    ],
)
def test_the_hard_threshold_is_understood_as_the_kubelet_does(
    kubelet: Kubelet, hard_bytes: int, source: str
) -> None:
    found = thresholds(kubelet, CAPACITY)
    assert isinstance(found, Thresholds)
    assert found.hard_bytes == hard_bytes
    assert source in found.source


@pytest.mark.parametrize(
    "kubelet",
    [
        files("evictionSoft: {memory.available: 1Gi}\nevictionSoftGracePeriod: {memory.available: 90s}"),
        files(
            "evictionSoft: {memory.available: 5Gi}",
            eviction_soft="memory.available<1Gi",
            eviction_soft_grace_period="memory.available=90s",
        ),
    ],
)
def test_the_soft_threshold_has_its_grace(kubelet: Kubelet) -> None:
    found = thresholds(kubelet, CAPACITY)
    assert isinstance(found, Thresholds)
    assert (found.soft, found.soft_bytes, found.soft_grace) == ("1Gi", GIB, "90s")


@pytest.mark.parametrize(
    ("kubelet", "capacity", "why"),
    [
        (None, CAPACITY, NOT_FOUND),
        (Kubelet(absent="/x: Permission denied"), CAPACITY, "/x: Permission denied"),
        (files("evictionHard: {memory.available: lots}"), CAPACITY, "lots"),
        (files("evictionHard: {memory.available: 5%}"), None, "a known capacity"),
        (files("evictionHard: {memory.available: 500%}"), CAPACITY, "500%"),
        (files("evictionHard: {memory.available: 5%%}"), CAPACITY, "5%%"),
        (files("evictionHard: ["), CAPACITY, "/etc/0 is neither YAML nor JSON"),
        (files("[1]"), CAPACITY, "/etc/0 holds no settings"),
    ],
)
def test_what_is_not_understood_is_unknown_and_says_why(
    kubelet: Kubelet | None, capacity: int | None, why: str
) -> None:
    found = thresholds(kubelet, capacity)
    assert isinstance(found, str)
    assert why in found
