"""`--files-pod`: a pod for one question about files, made, asked and deleted here, or written for kubectl."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct, field

from memcollect.commands.heartbeat import heartbeat
from memcollect.commands.output import say
from memcollect.commands.taking import ClusterQuestion
from memcollect.documents.snapshot import Missing
from memcollect.errors import UsageError
from memcollect.termination import ending_cleanly
from memcollect_agent.wire import PodFiles

if TYPE_CHECKING:
    from memcollect.kubernetes.objects import Pod
    from memcollect.sources.api import Api
    from memcollect.taking.files_manifest import Manifest


class FilesByPod(Struct, frozen=True):
    """What the pod told, by the UID of the pod it was asked of; and what was left of it."""

    files: dict[str, PodFiles] = field(default_factory=dict)
    missing: list[Missing] = field(default_factory=list)


NO_FILES = FilesByPod()


def asked_files(question: ClusterQuestion) -> FilesByPod:
    """Make the pod, ask it and delete it. Raises UsageError, a ClusterError.

    Nothing is made, and nothing told, where there is not one pod that runs: whoever measures it says why.
    """
    from memcollect.sources.portforward import port_forwarding  # noqa: PLC0415 # as in commands.cluster
    from memcollect.taking import files_pod  # noqa: PLC0415

    limits = question.cluster.limits(question.bounds)
    missing: list[Missing] = []
    with _api(question) as api:
        target = _one_that_runs(api, question)
        if target is None:
            return NO_FILES
        namespace = question.cluster.agent_namespace
        files_pod.require(api, namespace)
        files_pod.sweep(api, namespace, missing.append)
        made = _made_for(api, question, target, files_pod.lifetime(limits))
        say(
            f"pod {made.namespace}/{made.name} looks for the files on node {made.node};"
            " it is deleted once it has told them."
        )
        with (
            ending_cleanly(),
            _told(missing),
            heartbeat(f"having the files of {target.qualified_name} looked for"),
            files_pod.running(api, made, missing.append) as agent,
        ):
            transports = port_forwarding(api.cluster)
            found = files_pod.ask(agent, target, question.processes.file_limit, transports, limits)
    return FilesByPod({target.cgroup_uid: found}, missing)


def printed_pod(question: ClusterQuestion) -> str:
    """Return the pod as YAML, with how it is applied, asked and deleted.

    Raises UsageError, a ClusterError.
    """
    import yaml  # noqa: PLC0415

    from memcollect.taking.files_pod import PRINTED_SECONDS  # noqa: PLC0415

    with _api(question) as api:
        target = _one_that_runs(api, question)
        if target is None:
            raise UsageError(
                f"Not one pod that runs is called {question.pods.pods[0]}.",
                "Name one by NAMESPACE/NAME: see `kubectl get pods -A`.",
            )
        made = _made_for(api, question, target, PRINTED_SECONDS)
    ask = ["memcollect", "explain", target.qualified_name, "--files"]
    ask += ["--agent-namespace", made.namespace, "--agent-selector", made.selector]
    lines = [
        f"Looks for the files of {target.qualified_name}, for {made.seconds} s at most.",
        "Write this to a file, then:",
        "  kubectl apply -f FILE",
        f"  {shlex.join(ask)}",
        f"  kubectl delete pod -n {made.namespace} {made.name}",
    ]
    comment = "".join(f"# {line}\n" for line in lines)
    return f"{comment}{yaml.safe_dump(made.document, sort_keys=False)}"


@contextlib.contextmanager
def _api(question: ClusterQuestion) -> Iterator[Api]:
    from memcollect.sources.api import Api, Patience  # noqa: PLC0415

    seconds = question.cluster.request_timeout
    with Api(question.cluster.cluster, Patience(timeout=seconds, total=3 * seconds)) as api:
        yield api


@contextlib.contextmanager
def _told(missing: list[Missing]) -> Iterator[None]:
    """Say what is missing where nothing else will, since the command ends here."""
    try:
        yield
    except BaseException:
        for each in missing:
            say(each.detail)
        raise


def _one_that_runs(api: Api, question: ClusterQuestion) -> Pod | None:
    from memcollect.join import FINISHED  # noqa: PLC0415
    from memcollect.sources.pods import list_pods  # noqa: PLC0415

    found = list(list_pods(api, question.pods.selection, lambda _missing: None))
    here = len(found) == 1 and found[0].spec.node_name and found[0].status.phase not in FINISHED
    return found[0] if here else None


def _made_for(api: Api, question: ClusterQuestion, target: Pod, seconds: int) -> Manifest:
    from memcollect.taking.files_pod import prepared  # noqa: PLC0415

    # What of the agents cannot be read is told where they are asked.
    return prepared(
        api, question.cluster.deployment, str(target.spec.node_name), seconds, lambda _missing: None
    )
