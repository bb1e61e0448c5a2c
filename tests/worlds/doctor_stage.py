"""A cluster to diagnose: the stand-in API server, and real agents on the loopback over recorded nodes."""

import datetime as dt
import functools
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

import msgspec

from memcollect.doctor.checks import CLUSTER
from memcollect.doctor.engine import diagnose
from memcollect.doctor.facts import Question
from memcollect.doctor.gather import cluster_facts
from memcollect.doctor.result import Report, Result
from memcollect.sources.agent_pods import AGENT_PORT
from memcollect.testing import NODES, POD_METRICS, PODS, RUNTIME_CLASSES, Cluster, StandInCluster, objects
from memcollect_agent.history import Recorder, Settings
from memcollect_agent.history.clocks import Clocks
from memcollect_agent.measure.sample import Roots, sample_node
from memcollect_agent.serve.addresses import Address, listen
from memcollect_agent.serve.listener import Listener
from memcollect_agent.serve.service import Service
from memcollect_agent.serve.wsgi import application
from memcollect_agent.wire import NodeSample, SampleRequest
from worlds.agent_trees import recorded
from worlds.tcp_agents import Behaviour, listening

CONDITION = "systemd-kernel-7.2"
UIDS = (
    "b361119b-f663-4d3c-a6b4-4f72a32a506f",
    "476ef1fb-90cb-446a-989f-e9a1ed217abf",
    "3c171264-4698-4eab-a6f1-fc3d6d60d66e",
    "ab435739-ce8d-4287-8fd4-00086da46c46",
)
"""Pods of the recorded node: each stands for one node's agent."""
LABELS = {"app.kubernetes.io/name": "memcollect-agent"}
Change = Callable[[NodeSample], NodeSample]


class Stage:
    """What a test breaks one thing of."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self.state = Cluster()
        self._uids = iter(UIDS)
        server = stack.enter_context(StandInCluster(self.state))
        self.kubeconfig = str(server.kubeconfig(folder / "config"))
        self.state.put(RUNTIME_CLASSES, objects.runtime_class("gvisor", "runsc"))

    def node(self, name: str, *, os_image: str = "", spec: Mapping[str, object] | None = None) -> None:
        node = objects.node(name) | {"spec": spec or {}}
        node["status"]["nodeInfo"]["osImage"] = os_image
        self.state.put(NODES, node)

    def pod(self, name: str, node: str, *, uid: str = UIDS[-1], metrics_age: float | None = 20.0) -> None:
        self.state.put(PODS, objects.pod("deer-flow", name, node=node, uid=uid))
        if metrics_age is not None:
            at = dt.datetime.now(tz=dt.UTC) - dt.timedelta(seconds=metrics_age)
            stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
            self.state.put(POD_METRICS, objects.pod_metrics("deer-flow", name, stamp, {"main": 1 << 20}))

    def agent_pod(self, node: str, to: int | None, *, ready: bool = True, uid: str = "") -> None:
        pod = objects.pod("memcollect", f"agent-{node}", node=node, labels=LABELS, uid=uid)
        pod["status"]["conditions"] = [{"type": "Ready", "status": "True" if ready else "False"}]
        self.state.put(PODS, pod)
        if to is not None:
            self.state.forward("memcollect", f"agent-{node}", AGENT_PORT, to=("127.0.0.1", to))

    def agent(  # noqa: PLR0913 # each is one thing that a test breaks
        self,
        node: str,
        *,
        roots: Roots | None = None,
        recorder: Recorder | None = None,
        history: bool = True,
        change: Change = lambda sample: sample,
        whole: bool = False,
    ) -> None:
        """Start a real agent; `change` is done to each sample, for what a recording cannot show.

        The API server knows one pod of the recording; of the others the agent tells only with `whole`.
        """
        roots = roots or recorded(CONDITION)
        if history and recorder is None:
            recorder = old_recorder(roots.cgroup)
        if recorder is not None:
            self._stack.callback(recorder.close)
        seen = change if whole else lambda sample: change(_without_pods(sample))
        sampling = functools.partial(_sampled, roots=roots, node=node, change=seen)
        sock = listen(Address("127.0.0.1", 0))
        listener = Listener(application(Service(sampling, recorder)), sock)
        thread = threading.Thread(target=listener.run)
        thread.start()
        self._stack.callback(thread.join)
        self._stack.callback(listener.stop)
        self.agent_pod(node, listener.port, uid=next(self._uids))

    def strange_agent(self, node: str, behaviour: Behaviour) -> None:
        self.agent_pod(node, self._stack.enter_context(listening(behaviour)))

    def healthy_node(self, name: str) -> None:
        self.node(name)
        self.agent(name)

    def report(self, **question: object) -> Report:
        settings = {"kubeconfig": self.kubeconfig, "namespaces": ["deer-flow"], "timeout": 5.0} | question
        facts = cluster_facts(msgspec.convert(settings, Question))
        return diagnose(facts, CLUSTER, tool="memcollect test", mode="cluster", checked_at="now")

    def lines(self, **question: object) -> dict[str, Result]:
        return {result.check: result for result in self.report(**question).results}


def _without_pods(sample: NodeSample) -> NodeSample:
    if sample.tree is None:
        return sample
    return msgspec.structs.replace(sample, tree=msgspec.structs.replace(sample.tree, cgroups=[]))


def _sampled(request: SampleRequest, roots: Roots, node: str, change: Change) -> NodeSample:
    return change(sample_node(request, roots, node_name=node))


def old_recorder(cgroup_root: str, *, seconds: float = 120.0, **settings: float) -> Recorder:
    """Return a history that began so long ago, and keeps no file open: nobody closes it."""
    ago = [seconds]
    clocks = Clocks(wall=lambda: time.time() - ago[0], monotonic=lambda: time.monotonic() - ago[0])
    unkept = {"clocks": clocks, "max_kept_open": 0, **settings}
    recorder = Recorder(cgroup_root, msgspec.convert(unkept, Settings))
    recorder.tick()
    ago[0] = 0.0
    recorder.tick()
    return recorder


def with_clock(seconds: float) -> Change:
    """Return the change that a node's clock makes which is ahead."""
    return lambda sample: msgspec.structs.replace(
        sample, sampled_at=sample.sampled_at + seconds, finished_at=sample.finished_at + seconds
    )
