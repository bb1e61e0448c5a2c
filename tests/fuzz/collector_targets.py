"""What the collector reads: answers of agents and of API servers, and files that people name."""

import functools
import gzip
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from fuzz import scratch
from fuzz.altered import altering
from fuzz.target import Target
from memcollect.documents.bundle import read_bundle
from memcollect.documents.events import read_events
from memcollect.documents.files import decode_snapshot
from memcollect.documents.run import EVENTS_NAME, MANIFEST_NAME
from memcollect.documents.snapshot import Pod
from memcollect.documents.stored import open_snapshot
from memcollect.documents.yaml_value import MOST_NODES, yaml_value
from memcollect.errors import ClusterError, CollectorError, DocumentError
from memcollect.evidence import document as evidence
from memcollect.evidence.port import HttpSeen, OperationError
from memcollect.explain import explain_pod
from memcollect.kubernetes import objects as kube
from memcollect.profile.plan import parse as plan
from memcollect.recording.archive import read_recording
from memcollect.reporters import escape, html, json, markdown, table
from memcollect.secrecy import remember_secret, without_secrets
from memcollect.services import table as services
from memcollect.sources import metrics, node_metrics, quantities
from memcollect.sources.agent_http import AgentFailure, decoded
from memcollect.sources.api import Api
from memcollect.sources.exec import ExecError, Output, Place
from memcollect.sources.exec import _result as exec_outcome
from memcollect.sources.pages import Listing
from memcollect.sources.pages import _decoded as page_of
from memcollect.sources.plain import LONGEST, plain, plain_end
from memcollect.sources.refusals import refusal
from memcollect.sources.rights import Right
from memcollect.sources.top_file import read_tops
from memcollect.sources.transport import Endpoint
from memcollect.taking.runtime_names import names_from_runtimes
from memcollect.trying.drivers import aio
from memcollect.units import duration_seconds, human_bytes
from memcollect_agent.wire import History, NodeSample

_RIGHT = Right("list", "pods")
_SECRET = "hunter2-Zm9vYmFy"  # noqa: S105 - nobody's
_CONTAINER = "ab" * 32


@functools.cache
def _folder() -> Path:
    """Return a folder of this process's own; the run removes it, for forks end without clean-up."""
    folder = scratch.current() / str(os.getpid())
    folder.mkdir()
    return folder


def _written(name: str, data: bytes) -> Path:
    file = _folder() / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


def _agents_answer(kind: Any) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        with suppress(AgentFailure):
            decoded(data, kind, Endpoint(pod="agent", port=7070))

    return run


def _page(kind: Any, then: Callable[[Any], object] = lambda _: None) -> Callable[[bytes], None]:
    """Return what reads a page of a list as it is read of a cluster, broken objects left out."""
    api = cast("Api", SimpleNamespace(cluster=SimpleNamespace(server="https://c"), decode=None))
    api.decode = functools.partial(Api.decode, api)  # type: ignore[method-assign]  # a server is not needed

    def run(data: bytes) -> None:
        with suppress(CollectorError):
            for item in page_of(api, data, Listing("/p", _RIGHT, kind), lambda _: None).items or []:
                then(item)

    return run


def _pod(pod: kube.Pod) -> None:
    assert isinstance(pod.is_ready, bool)
    assert isinstance(pod.cgroup_uid, str)
    for status in pod.status.container_statuses or []:
        assert status.runtime_id is None or isinstance(status.runtime_id, str)


def _refused(data: bytes) -> None:
    for status in (400, 401, 403, 404, 409, 500):
        error = refusal(status, data, _RIGHT, "https://c")
        assert isinstance(error, ClusterError)
        assert error.sentence.isprintable()


def _exec(data: bytes) -> None:
    with suppress(ExecError):
        result = exec_outcome(data, Place(namespace="n", pod="p"), {1: Output(), 2: Output()})
        assert result.exit_code >= 0


def _quantity(data: bytes) -> None:
    text = data.decode("latin-1")
    with suppress(quantities.QuantityError):
        assert abs(quantities.whole(text)) <= quantities.LARGEST
        quantities.nanos(text)


def _length(data: bytes) -> None:
    text = data.decode("latin-1")
    seconds = duration_seconds(text)
    assert seconds is None or 0 <= seconds < 1e17
    human_bytes(int.from_bytes(data[:10], "little", signed=True))


def _snapshot(data: bytes) -> None:
    try:
        document = decode_snapshot(data, "some.json")
    except CollectorError:
        return
    for pod in document.pods:
        explain_pod(pod, next((each for each in document.nodes if each.name == pod.node), None))
    for render in (table.render, json.render, markdown.render, html.render):
        assert render(document)


def _stored(data: bytes) -> None:
    with suppress(CollectorError), open_snapshot(str(_written("stored.json", data))) as stored:
        assert stored.size_bytes == len(data)
        assert [pod for pod in stored.pods if not isinstance(pod, Pod)] == []


def _recording(data: bytes) -> None:
    # Compressed here: the fuzzer would spend itself on gzip's checksum.
    with suppress(CollectorError):
        recording = read_recording(str(_written("recording.tar.gz", gzip.compress(data, 1))))
        tops = {name.partition("/")[0] for name in recording.files}
        assert tops <= {"proc", "sys", "var"}
        assert not any(part in ("", ".", "..") for name in recording.files for part in name.split("/"))


def _bundle(data: bytes) -> None:
    file = _written(f"bundle/{MANIFEST_NAME}", data)
    with suppress(CollectorError):
        read_bundle(str(file.parent))


def _events(data: bytes) -> None:
    read_events(_written(f"events/{EVENTS_NAME}", data).parent)


def _evidence(data: bytes) -> None:
    with suppress(CollectorError):
        evidence.decode(data, "some.json")


def _yaml(data: bytes) -> None:
    with suppress(DocumentError):
        assert _size(yaml_value(data, "some.yaml")) <= MOST_NODES


def _size(value: Any) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_size, parts))


def _plan(data: bytes) -> None:
    with suppress(plan.PlanError):
        plan.parse_plan(data)
    with suppress(plan.PlanError):
        plan.parse_plan(_good_plan(), source=data)


@functools.cache
def _good_plan() -> bytes:
    return (Path(plan.__file__).parents[1] / "plans" / "guide.toml").read_bytes()


def _services(data: bytes) -> None:
    with suppress(DocumentError):
        assert len(services.parse_table(data, "some.toml")) <= services.MOST_ENTRIES


def _tops(data: bytes) -> None:
    with suppress(DocumentError):
        read_tops(_written("tops.json", data))


def _names(data: bytes) -> None:
    for place in (
        f"docker/containers/{_CONTAINER}/config.v2.json",
        "containers/storage/overlay-containers/containers.json",
    ):
        _written(f"host/var/lib/{place}", data)
    _written("host/etc/docker/daemon.json", data)
    for name in names_from_runtimes({_CONTAINER: "/x"}, str(_folder() / "host")).values():
        assert name.isascii()
        assert name.isprintable()


def _box(data: bytes) -> None:
    for kind in (dict[str, Any], list[str]):
        for status in (200, 500):
            with suppress(OperationError):
                aio._data(HttpSeen(status=status, body=data), kind)


def _kept_secret(data: bytes) -> None:
    remember_secret(_SECRET)
    text = data.decode("utf-8", "replace")
    assert _SECRET not in without_secrets(text)
    assert _SECRET not in without_secrets(text[: len(text) // 2] + _SECRET + text[len(text) // 2 :])


def _shown(data: bytes) -> None:
    text = data.decode("utf-8", "surrogatepass" if len(data) % 2 else "replace") if _decodes(data) else "?"
    for short in (plain(text), plain_end(text)):
        assert len(short) <= LONGEST
        assert short.isprintable()
    assert not {"<", ">", '"', "'", "\x1b", "\n"} & set(escape.html(text))
    for shown in (escape.visible(text), escape.markdown(text), escape.markdown_code(text)):
        assert not {"\x1b", "\n", "\r", "\u202e"} & set(shown)


def _decodes(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass" if len(data) % 2 else "replace")
    except UnicodeDecodeError:
        return False
    return True


_PODS = _page(kube.Pod, _pod)

TARGETS = (
    Target(name="answer.sample", run=_agents_answer(NodeSample), recorded="*/wire_samples/*.msgpack"),
    Target(name="answer.history", run=_agents_answer(History)),
    Target(name="kubernetes.pods", run=_PODS, recorded="*/pods.json"),
    Target(name="kubernetes.pods-altered", run=altering("kubernetes.pods/page", _PODS), most_bytes=24),
    Target(
        name="kubernetes.pod-metrics",
        run=_page(kube.PodMetrics, metrics._usage),
        recorded="*/podmetrics.json",
    ),
    Target(name="kubernetes.nodes", run=_page(kube.Node), recorded="*/nodes.json"),
    Target(
        name="kubernetes.node-metrics",
        run=_page(kube.NodeMetrics, node_metrics._usage),
        recorded="*/nodemetrics.json",
    ),
    Target(name="kubernetes.refusal", run=_refused, recorded="*/403.json"),
    Target(name="kubernetes.exec", run=_exec),
    Target(name="quantity", run=_quantity, most_bytes=160),
    Target(name="length-of-time", run=_length, most_bytes=64),
    Target(name="snapshot", run=_snapshot, most_bytes=16384),
    *(
        Target(
            name=f"snapshot.altered-{name}", run=altering(f"snapshot/{name}.json", _snapshot), most_bytes=24
        )
        for name in ("one-pod", "bare")
    ),
    Target(name="snapshot-stored", run=_stored, most_bytes=16384),
    Target(name="snapshot-stored.altered", run=altering("snapshot/bare.json", _stored), most_bytes=24),
    Target(name="recording", run=_recording, most_bytes=8192),
    Target(name="bundle", run=_bundle),
    Target(name="bundle.altered", run=altering("bundle/one-run.json", _bundle), most_bytes=24),
    Target(name="events", run=_events),
    Target(name="evidence", run=_evidence),
    Target(name="yaml", run=_yaml),
    Target(name="plan", run=_plan, recorded="*/plans/*.toml", most_bytes=8192),
    Target(name="services", run=_services, recorded="*/services/*.toml"),
    Target(name="tops", run=_tops),
    Target(name="names-of-runtimes", run=_names),
    Target(name="sandbox-answer", run=_box),
    Target(name="secrets", run=_kept_secret),
    Target(name="shown-text", run=_shown),
)
