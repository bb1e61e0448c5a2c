import pytest

from memcollect.documents.snapshot import Missing
from memcollect.kubernetes.usage import Metrics


def gap(name: str) -> Missing:
    return Missing(kind="metrics", name=name, reason="denied", detail=f"of {name}")


@pytest.mark.parametrize(
    ("gaps", "expected"), [([], None), (["b"], None), (["a"], "of a"), (["*"], "of *"), (["b", "a"], "of a")]
)
def test_a_gap_is_its_namespaces_or_everybodys(gaps: list[str], expected: str | None) -> None:
    found = Metrics(gaps=[gap(name) for name in gaps]).gap("a")
    assert (found.detail if found else None) == expected
