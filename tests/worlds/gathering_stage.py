"""Pods that a run makes in a stand-in cluster, each as far on its way as a test says."""

from collections.abc import Callable
from typing import Any

from memcollect.profile.measuring.gathering import Gatherer
from memcollect.profile.plan.model import Template
from memcollect.profile.record import Record
from memcollect.profile.sandboxes.source import Source
from memcollect.profile.sandboxes.template import TemplateSource
from memcollect.profile.tools import Tools, Workshop
from memcollect.sources.deadline import Stopped
from memcollect.testing import EVENTS, PODS, Cluster, objects
from worlds.profile_doubles import never

RUN = "0123456789"
MANIFEST = b"kind: Pod\nspec:\n  containers:\n  - name: main\n  - name: side\n"
TEMPLATE = Template(namespace="team", file="pod.yaml")


class GatheringStage:
    """New pods are ready at once, unless `becomes` says another phase for their name."""

    def __init__(self, state: Cluster, workshop: Workshop, tools: Tools, record: Record) -> None:
        self.state = state
        self.becomes: dict[str, str] = {}
        self.pulled: str | None = None
        """What the kubelet's event says of a new pod's image; None: there is no event."""
        self.on_made: Callable[[str], None] = lambda _name: None
        self._workshop = workshop
        self._tools = tools
        self._record = record
        state.on_pod_created = self._created
        state.put(PODS, objects.pod("team", "somebody-elses"))

    def source(self) -> TemplateSource:
        """Return a source that makes pods of a manifest."""
        return self.prepared(TemplateSource(TEMPLATE, RUN, MANIFEST))

    def prepared(self, source: TemplateSource) -> TemplateSource:
        """Return `source`, fit to be used."""
        source.prepare(self._tools)
        return source

    def gatherer(
        self, source: Source | None = None, ready_within: float = 10.0, stopped: Stopped = never
    ) -> Gatherer:
        """Return a gatherer that looks often."""
        return Gatherer(
            source=source or self.source(),
            workshop=self._workshop,
            tools=self._tools,
            record=self._record,
            ready_within=ready_within,
            poll=0.02,
            stopped=stopped,
        )

    def put(self, name: str, uid: str, phase: str = "Running", **metadata: Any) -> None:
        """Let there be this pod of the run, in place of any of that name."""
        pod = objects.pod("team", name, uid=uid, node="node-1", phase=phase, containers=("main", "side"))
        pod["metadata"] |= {"labels": {"memcollect/run": RUN}, **metadata}
        self.state.put(PODS, pod)

    def there(self) -> list[str]:
        """Return the names of the run's pods."""
        names = [each.fields["metadata.name"] for each in self.state.store.all(PODS)]
        return [name for name in names if name != "somebody-elses"]

    def _created(self, pod: dict[str, Any]) -> None:
        name = pod["metadata"]["name"]
        self.on_made(name)
        phase = self.becomes.get(name, "Running")
        pod["spec"]["nodeName"] = "node-1"
        made = objects.pod("team", name, uid=pod["metadata"]["uid"], phase=phase, containers=("main", "side"))
        if self.pulled is not None:
            told = objects.event(pod, "Pulled", self.pulled, self.state.timestamp())
            self.state.put(EVENTS, told)
        pod["status"] = made["status"]
