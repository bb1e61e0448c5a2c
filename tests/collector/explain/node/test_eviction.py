"""How far the kubelet is from evicting, by whichever threshold comes first."""

import msgspec
import pytest

from memcollect.documents.snapshot import NodeAccount, Thresholds
from memcollect.explain.node import explain_account
from memcollect.reporters.node_words import eviction_sentences
from worlds.node_builders import MIB, NODE, Made


def explained(thresholds: Thresholds | None, **more: object) -> NodeAccount:
    return explain_account(msgspec.structs.replace(Made().account(), thresholds=thresholds, **more), NODE)


def _available() -> int:
    standing = explained(None).eviction
    assert standing is not None
    return standing.available_bytes


AVAILABLE = _available()


def close(account: NodeAccount) -> list[str]:
    return [each.sentence for each in account.findings if each.cause == "close_to_eviction"]


@pytest.mark.parametrize(
    ("thresholds", "said"),
    [
        (Thresholds(hard="x", hard_bytes=AVAILABLE - 9 * MIB), "The kubelet is 9 MiB from evicting"),
        (Thresholds(hard="x", hard_bytes=AVAILABLE + 9 * MIB), "9 MiB beyond its eviction threshold"),
        (Thresholds(soft="x", soft_bytes=AVAILABLE - 9 * MIB), "9 MiB from its soft threshold"),
        (
            Thresholds(hard="x", hard_bytes=MIB, soft="x", soft_bytes=AVAILABLE + 9 * MIB),
            "9 MiB beyond its soft eviction threshold",
        ),
    ],
)
def test_the_threshold_that_comes_first_is_told_of(thresholds: Thresholds, said: str) -> None:
    assert [said in each for each in close(explained(thresholds))] == [True]


def test_a_kubelet_without_thresholds_is_never_close_to_evicting() -> None:
    account = explained(Thresholds(), memory_pressure=True)

    assert close(account) == []
    assert "has no hard threshold for memory" in eviction_sentences(account)[0]


def test_the_soft_threshold_is_told_with_its_grace_and_distance() -> None:
    soft = Thresholds(
        hard="100Mi", hard_bytes=100 * MIB, soft="1Gi", soft_bytes=AVAILABLE - MIB, soft_grace="1m30s"
    )

    hard, softly, *_ = eviction_sentences(explained(soft))

    assert "evicts below 100.0 MiB" in hard
    assert "after 1m30s below" in softly
    assert softly.endswith(": 1.0 MiB away.")
