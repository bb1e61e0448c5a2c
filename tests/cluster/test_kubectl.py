"""What the suite itself makes of kubectl, without a cluster."""

import pytest

from cluster.kubectl import Kubectl


class _Refusing(Kubectl):
    """Deletes all but one namespace."""

    def __init__(self) -> None:
        super().__init__("nowhere")
        self.deleted: list[str] = []

    def out(self, *arguments: str, document: dict[str, object] | None = None) -> str:
        assert document is None
        assert arguments[2] != "kept", "kubectl delete namespace kept: refused"
        self.deleted.append(arguments[2])
        return ""


def test_a_deletion_that_fails_keeps_none_of_the_others_from_being_tried() -> None:
    kubectl = _Refusing()
    with pytest.raises(AssertionError, match="namespace kept: refused"):
        kubectl.delete(("namespace", "a"), ("namespace", "kept"), ("namespace", "b"))
    assert sorted(kubectl.deleted) == ["a", "b"]
