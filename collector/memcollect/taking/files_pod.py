"""One question about one pod's files, put to a pod that is made for it and deleted after it.

Made, found and deleted by a label whose value no other run has: also what a lost answer or a signal leaves
unsaid. What an earlier run was killed over ends by its own deadline, and is deleted by the next run.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from memcollect.documents.snapshot import Missing
from memcollect.errors import AnswerError, ClusterError, DeniedError, MissingError, UsageError
from memcollect.join import FINISHED
from memcollect.kubernetes import objects as kube
from memcollect.sources.access import lacking
from memcollect.sources.agent_ends import BROKE_OFF
from memcollect.sources.agent_pods import AgentPod, Deployment, find_agents
from memcollect.sources.agents import Answer, Limits, Target, fetch_samples
from memcollect.sources.api import Api
from memcollect.sources.names import checked
from memcollect.sources.pages import Listing, items
from memcollect.sources.plain import plain
from memcollect.sources.pod_lifecycle import create_pod, delete_pod
from memcollect.sources.pods import Selection, list_pods, pods_path
from memcollect.sources.rights import Right, in_words
from memcollect.sources.transport import TransportFactory
from memcollect.taking.files_manifest import LABEL, DeployedAgent, Manifest, manifest
from memcollect_agent import wire

START_SECONDS = 90.0
"""For the pod to run and to listen: its image is on the node already, for the agent there runs it."""
LISTEN_SECONDS = 30.0
"""Between running and listening."""
PRINTED_SECONDS = 600
"""How long a pod lives that somebody applies by hand."""
_PAUSE_SECONDS = 0.25
Report = Callable[[Missing], None]


def lifetime(limits: Limits) -> int:
    """Return how many seconds a pod has that is asked one question; then the kubelet ends it."""
    return round(START_SECONDS + LISTEN_SECONDS + 2 * limits.timeout)


def needed_rights(namespace: str) -> list[Right]:
    """Return what it takes to have a pod there asked for files."""
    rights = [Right(verb, "pods", namespace=namespace) for verb in ("list", "create", "delete")]
    forward = [
        Right(verb, "pods", namespace=namespace, subresource="portforward") for verb in ("get", "create")
    ]
    return rights + forward


def require(api: Api, namespace: str) -> None:
    """Raise DeniedError with every right that lacks."""
    without = in_words(lacking(api, needed_rights(namespace)))
    if without:
        raise DeniedError(
            "A pod for the files needs rights that you do not have. No pod was made.",
            "Have an administrator bind deploy/examples/files-pod.yaml to you, or apply the pod that"
            " `--files-pod print` writes. You lack:",
            without,
        )


def prepared(api: Api, deployment: Deployment, node: str, seconds: int, report: Report) -> Manifest:
    """Return the pod to be made for pods of `node`, like the agent that is there.

    Raises UsageError where that agent needs no other, a ClusterError.
    """
    agent = find_agents(api, report, [node], deployment).get(node)
    if agent is None:
        raise MissingError(
            f"Node {plain(node)} has no memcollect agent, whose image a pod for the files would run.",
            "See `kubectl get daemonset -A` and deploy/.",
        )
    path = pods_path(agent.namespace)
    query = [("fieldSelector", f"metadata.name={checked('pod', agent.name)}")]
    listing = Listing(path, Right("list", "pods", namespace=agent.namespace), DeployedAgent, query)
    deployed = next(items(api, listing, report), None)
    if deployed is None or not deployed.spec.containers:
        raise MissingError(f"The agent of node {plain(node)} went while it was looked at.", "Try again.")
    if deployed.has_the_rights:
        raise UsageError(f"The agent of node {plain(node)} may see all files itself.", "Use --files alone.")
    return manifest(deployed, node, secrets.token_hex(5), deployment.port, seconds)


def sweep(api: Api, namespace: str, report: Report) -> None:
    """Delete the pods that earlier runs have left: those that have ended, for others may be at work."""
    for pod in _labelled(api, namespace, LABEL):
        if pod.status.phase in FINISHED:
            _delete(api, pod, report)


@contextmanager
def running(api: Api, made: Manifest, report: Report) -> Iterator[AgentPod]:
    """Give the pod once it runs; delete it whatever happens. Raises a ClusterError.

    What could not be deleted is reported.
    """
    try:
        create_pod(api, made.namespace, made.document)
        yield _until_ready(api, made)
    finally:
        try:
            for pod in _labelled(api, made.namespace, made.selector):
                _delete(api, pod, report)
        except BaseException as error:
            report(_left(made.namespace, made.name, error))
            if not isinstance(error, ClusterError):
                raise


def ask(
    agent: AgentPod, pod: kube.Pod, file_limit: int, transports: TransportFactory, limits: Limits
) -> wire.PodFiles:
    """Return what the files pod says of the files of `pod`. Raises a ClusterError."""
    target = Target(node=agent.node, agent=agent, pod_uids=[pod.cgroup_uid])
    request = wire.SampleRequest(file_limit=file_limit, time_budget_seconds=limits.timeout)
    # A container that runs and does not listen yet is refused; a real kubelet was also seen to take the
    # connection and to end it.
    until = time.monotonic() + LISTEN_SECONDS
    while True:
        (answer,) = fetch_samples([target], request, transports, limits)
        if answer.failure is None or answer.failure.reason not in BROKE_OFF or time.monotonic() > until:
            return _files(answer, pod)
        time.sleep(_PAUSE_SECONDS)


def _files(answer: Answer, pod: kube.Pod) -> wire.PodFiles:
    found = [each.files for each in answer.sample.pods if each.uid == pod.cgroup_uid] if answer.sample else []
    if found and found[0] is not None:
        return found[0]
    why = answer.failure.detail if answer.failure else f"it does not find {pod.qualified_name} on its node."
    raise AnswerError(f"The pod for the files told nothing: {why}")


def _until_ready(api: Api, made: Manifest) -> AgentPod:
    until = time.monotonic() + START_SECONDS
    while True:
        pod = next(iter(_labelled(api, made.namespace, made.selector)), None)
        if pod is not None and pod.is_ready:
            return AgentPod(
                node=pod.spec.node_name or "",
                name=pod.metadata.name,
                namespace=made.namespace,
                port=made.port,
            )
        if pod is None or pod.status.phase in FINISHED or time.monotonic() > until:
            raise AnswerError(f"The pod {made.namespace}/{made.name} for the files did not run: {_why(pod)}.")
        time.sleep(_PAUSE_SECONDS)


def _why(pod: kube.Pod | None) -> str:
    if pod is None:
        return "somebody else deleted it"
    waiting = [each.state.waiting for each in pod.status.container_statuses if each.state.waiting]
    words = [
        *(word for word in (pod.status.reason, pod.status.message) if word),
        *(word for each in waiting for word in (each.reason, each.message) if word),
    ]
    said = f", {plain(': '.join(words))}" if words else ""
    return f"it is {pod.status.phase or 'Unknown'}{said}".rstrip(".")


def _labelled(api: Api, namespace: str, selector: str) -> list[kube.Pod]:
    selection = Selection(namespaces=[namespace], selector=selector)
    return list(list_pods(api, selection, lambda _missing: None))


def _delete(api: Api, pod: kube.Pod, report: Report) -> None:
    try:
        delete_pod(api, pod.metadata.namespace, pod.metadata.name, pod.metadata.uid)
    except ClusterError as error:
        report(_left(pod.metadata.namespace, pod.metadata.name, error))


def _left(namespace: str, name: str, error: BaseException) -> Missing:
    why = plain(str(error)) or "interrupted"
    detail = (
        f"The pod {namespace}/{name} may still be there ({why.rstrip('.')}). It ends by itself; delete it"
        f" with `kubectl delete pod -n {namespace} {name}`."
    )
    return Missing(kind="pod", name=f"{namespace}/{name}", reason="not-deleted", detail=detail)
