"""What became of pods and containers that Kubernetes listed and whose node has no cgroup of them.

That something ended meanwhile is said only where the API, asked once more, says so too: a cgroup may as
well be where no agent has looked.
"""

from __future__ import annotations

import msgspec

from memcollect.documents.snapshot import Missing
from memcollect.errors import ClusterError
from memcollect.join import FINISHED, NO_CGROUP, running_ids
from memcollect.kubernetes import objects as kube
from memcollect.sources.api import Api
from memcollect.sources.pods import read_pod

MOST_ASKED = 20
"""Pods of one snapshot that are asked for again."""


class Again:
    """Asks for a pod once more, a bounded number of them, each once."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._known: dict[tuple[str, str, str], kube.Pod | str | None] = {}

    def settled(self, gap: Missing, pods: dict[str, kube.Pod]) -> Missing:
        """Return the gap with what the API says now; any other gap as it is.

        `pods` are those that were listed, by qualified name.
        """
        pod = pods.get("/".join(gap.name.split("/")[:2]))
        if gap.reason != NO_CGROUP or pod is None:
            return gap
        now = self._now(pod)
        if isinstance(now, str):
            return msgspec.structs.replace(gap, detail=f"{gap.detail}; {now}")
        ended = _ended(pod, now, gap)
        if ended:
            return msgspec.structs.replace(gap, reason="gone", detail=f"{ended}; take the snapshot again")
        detail = (
            f"{gap.detail}, though Kubernetes, asked once more, says that it runs: see with `memcollect"
            " doctor`"
            " whether the agent sees the whole cgroup tree"
        )
        return msgspec.structs.replace(gap, detail=detail)

    def _now(self, pod: kube.Pod) -> kube.Pod | str | None:
        """Return the pod as it is now, None where there is none, or why that is not known."""
        which = (pod.metadata.namespace, pod.metadata.name, pod.metadata.uid)
        if which not in self._known:
            if len(self._known) >= MOST_ASKED:
                return "whether it has ended since is not known"
            try:
                self._known[which] = read_pod(self._api, pod.metadata.namespace, pod.metadata.name)
            except ClusterError as error:
                self._known[which] = f"whether it has ended since could not be asked ({error})"
        return self._known[which]


def _ended(before: kube.Pod, now: kube.Pod | None, gap: Missing) -> str:
    """Return how the pod or container of `gap` ended since it was listed; "" where it did not."""
    if now is None:
        return "it was deleted after the pods were listed"
    if now.metadata.uid != before.metadata.uid:
        return "it was replaced by a new pod of its name after the pods were listed"
    if now.metadata.deletion_timestamp is not None or now.status.phase in FINISHED:
        return "it ended after the pods were listed"
    if gap.kind == "container" and not set(_ids(before, gap)) & set(running_ids(now)):
        return "it ended or was restarted after the pods were listed"
    return ""


def _ids(pod: kube.Pod, gap: Missing) -> list[str]:
    name = gap.name.rpartition("/")[2]
    status = pod.status
    statuses = (
        *status.container_statuses,
        *status.init_container_statuses,
        *status.ephemeral_container_statuses,
    )
    return [each.runtime_id for each in statuses if each.name == name and each.runtime_id]
