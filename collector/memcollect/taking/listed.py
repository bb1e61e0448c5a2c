"""The pods that were listed, kept small until their node's turn comes.

A pod as an object takes 5 KB, and of a large cluster a hundred and fifty thousand wait at once. As JSON,
those of a node together and deflated, and with what is asked of them until then, each takes 1.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Self

import msgspec

from memcollect.join import FINISHED, running_ids
from memcollect.kubernetes import objects as kube

MOST_LOOSE_BYTES = 32 << 20
"""Of pods that wait as they came: enough of them for a node's to have several that are alike."""
_QUICKLY = 1
_ARRAY = b"[%b]"
_PODS = msgspec.json.Decoder(list[kube.Pod])


class Packed:
    """Pods in their order, as little as they can be; this is what goes to another process, too."""

    __slots__ = ("_loose", "_packed")

    def __init__(self) -> None:
        """Begin with none."""
        self._loose: list[bytes] = []
        self._packed: list[bytes] = []

    @classmethod
    def of(cls, pods: Iterable[kube.Pod]) -> Self:
        """Return these."""
        packed = cls()
        for pod in pods:
            packed.add(pod)
        packed.pack()
        return packed

    def add(self, pod: kube.Pod) -> int:
        """Add one; return how many bytes it takes until all are packed."""
        self._loose.append(msgspec.json.encode(pod))
        return len(self._loose[-1])

    def pack(self) -> None:
        """Have what was added since take as little as it can."""
        if self._loose:
            self._packed.append(zlib.compress(_ARRAY % b",".join(self._loose), _QUICKLY))
            self._loose = []

    def unpacked(self) -> list[kube.Pod]:
        """Return them as objects."""
        arrays = [zlib.decompress(each) for each in self._packed]
        arrays += [_ARRAY % b",".join(self._loose)] if self._loose else []
        return [pod for array in arrays for pod in _PODS.decode(array)]


class Listed:
    """The pods of one node, and what is asked of all of them before its turn comes."""

    __slots__ = ("container_ids", "may_have_cgroup", "names", "names_a_class", "pods", "uids")

    def __init__(self) -> None:
        """Begin with none."""
        self.pods = Packed()
        self.names: list[tuple[str, str]] = []
        """Namespace and name of each."""
        self.uids: list[str] = []
        """As their cgroups name them."""
        self.container_ids: list[str] = []
        self.may_have_cgroup = False
        """Whether there is one that has not ended."""
        self.names_a_class = False
        """Whether there is one with a RuntimeClass."""

    def add(self, pod: kube.Pod) -> int:
        """Add one; return how many bytes it takes until all are packed."""
        self.names.append((pod.metadata.namespace, pod.metadata.name))
        self.uids.append(pod.cgroup_uid)
        self.container_ids += running_ids(pod)
        self.may_have_cgroup |= pod.status.phase not in FINISHED
        self.names_a_class |= pod.spec.runtime_class_name is not None
        return self.pods.add(pod)


def by_node(pods: Iterable[kube.Pod]) -> dict[str | None, Listed]:
    """Return the pods by node; None: those that are on no node yet."""
    nodes: dict[str | None, Listed] = {}
    loose_bytes = 0
    for pod in pods:
        loose_bytes += nodes.setdefault(pod.spec.node_name, Listed()).add(lean(pod))
        if loose_bytes > MOST_LOOSE_BYTES:
            _pack(nodes)
            loose_bytes = 0
    _pack(nodes)
    return nodes


def lean(pod: kube.Pod) -> kube.Pod:
    """Return a pod on a node with those conditions alone that are asked for: all are a fifth of its size."""
    if pod.spec.node_name is None:
        return pod
    asked = [each for each in pod.status.conditions if each.type in kube.RESIZE_CONDITIONS]
    return msgspec.structs.replace(pod, status=msgspec.structs.replace(pod.status, conditions=asked))


def _pack(nodes: dict[str | None, Listed]) -> None:
    for each in nodes.values():
        each.pods.pack()
