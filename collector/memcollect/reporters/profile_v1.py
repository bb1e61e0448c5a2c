"""The views of the script that memcollect replaces: its JSON, schema 1, and its Markdown. Pure.

Whoever saved or parses those finds every key and column again, made from the same snapshot as all other
reports. What that script got wrong is mended: a pod without metrics is a row with nulls and not left out,
processes are those of all containers, and a quantity in any of Kubernetes' forms is a number (it comes
from the metrics API and not from kubectl's text).

`raw` is what `kubectl top pod` prints: memory cut to whole MiB, CPU rounded up to millicores; `bytes`,
`mib` and `millicores` are what that text says, as they were in the script. The bytes themselves are in the
snapshot.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from memcollect.documents.snapshot import Container, Pod, Snapshot
from memcollect.join.roles import app_containers
from memcollect.reporters.escape import markdown, markdown_code

SCHEMA_VERSION = 1
MIB = 1 << 20
KIB = 1 << 10
NANOS_PER_MILLI = 1_000_000
ABSENT = "-"
MEMORY_NOTE = (
    "Memory is what kubectl top shows: the working set, which holds page cache and kernel memory too. It is"
    " neither RSS nor PSS."
)
PROCESS_NOTE = (
    "Processes are read on the node, in every container of a pod; their RSS counts shared pages once for"
    " each process and leaves out memory that no process maps."
)
FULLER_NOTE = (
    "This is a view of a fuller document: `--format json` has the counters, and `memcollect explain` says"
    " where the memory is."
)
LOCAL_NOTE = "kubectl top is not asked about a single machine: memory and CPU are not known here."


def render(snapshot: Snapshot) -> str:
    """Return the JSON: indented by two, keys sorted, with a last newline."""
    return json.dumps(view(snapshot), indent=2, sort_keys=True) + "\n"


def view(snapshot: Snapshot) -> dict[str, Any]:
    """Return the document as the script's JSON has it."""
    pods = [_pod(pod) for pod in snapshot.pods]
    errors = _errors(snapshot)
    return {
        "schema_version": SCHEMA_VERSION,
        "captured_at": snapshot.captured_at,
        "namespace": _namespace(snapshot),
        "selector": snapshot.scope.selector or "",
        "sample": snapshot.sample,
        "summary": _summary(pods, errors),
        "pods": pods,
        "process_errors": errors,
        "notes": _notes(snapshot),
    }


def _namespace(snapshot: Snapshot) -> str:
    """Return the namespace; several with commas between, "*" for all, nothing where none was asked."""
    if snapshot.mode == "local":
        return ""
    return "*" if snapshot.scope.namespaces is None else ",".join(snapshot.scope.namespaces)


def _notes(snapshot: Snapshot) -> list[str]:
    missing = [
        f"Not measured: {each.kind} {each.name} ({each.reason}): {each.detail}" for each in snapshot.missing
    ]
    untold = snapshot.mode == "local" and all(pod.top is None for pod in snapshot.pods)
    standing = [MEMORY_NOTE, PROCESS_NOTE, FULLER_NOTE, *([LOCAL_NOTE] if untold else [])]
    return [*standing, *missing, *snapshot.notes]


def _summary(pods: Sequence[dict[str, Any]], errors: dict[str, str]) -> dict[str, Any]:
    sizes = [pod["memory"]["bytes"] for pod in pods if pod["memory"]["bytes"] is not None]
    cpus = [pod["cpu"]["millicores"] for pod in pods if pod["cpu"]["millicores"] is not None]
    return {
        "pod_count": len(pods),
        "parsed_memory_count": len(sizes),
        "unparsed_memory_count": len(pods) - len(sizes),
        "total_memory_bytes": sum(sizes),
        "total_memory_mib": _mib(sum(sizes)),
        "average_memory_mib": _mib(sum(sizes) / len(sizes)) if sizes else None,
        "max_memory_mib": _mib(max(sizes)) if sizes else None,
        "parsed_cpu_count": len(cpus),
        "unparsed_cpu_count": len(pods) - len(cpus),
        "total_cpu_millicores": sum(cpus),
        "pods_with_process_samples": sum(1 for pod in pods if pod["processes"]),
        "pods_with_process_sample_errors": len(errors),
    }


def _pod(pod: Pod) -> dict[str, Any]:
    memory_mib = _known(pod.top.memory_bytes if pod.top else None, MIB)
    cpu = pod.top.cpu_nanocores if pod.top else None
    millicores = None if cpu is None else -(-cpu // NANOS_PER_MILLI)
    return {
        "name": pod.name,
        "cpu": {"raw": None if millicores is None else f"{millicores}m", "millicores": millicores},
        "memory": {
            "raw": None if memory_mib is None else f"{memory_mib}Mi",
            "bytes": None if memory_mib is None else memory_mib * MIB,
            "mib": None if memory_mib is None else float(memory_mib),
        },
        "phase": pod.phase or "",
        "start_time": pod.start_time or "",
        "labels": pod.labels,
        "containers": {each.name: _container(each) for each in pod.containers if each.role == "container"},
        "processes": _processes(pod),
    }


def _known(size_bytes: int | None, unit: int) -> int | None:
    return None if size_bytes is None else size_bytes // unit


def _container(container: Container) -> dict[str, Any]:
    return {
        "image": container.image or "",
        "requests": container.requests,
        "limits": container.limits,
    }


def _processes(pod: Pod) -> list[dict[str, Any]]:
    """Return the listed processes of all app containers, the largest RSS first."""
    listed = [process for container in app_containers(pod) for process in container.processes]
    listed.sort(key=lambda each: (-(each.rss_bytes if each.rss_bytes is not None else -1), each.pid))
    return [
        {
            "pid": each.pid,
            "ppid": each.ppid,
            "rss_kib": _known(each.rss_bytes, KIB),
            "rss_mib": None if each.rss_bytes is None else _mib(each.rss_bytes // KIB * KIB),
            "command": each.command or each.comm,
        }
        for each in listed
    ]


def _mib(size_bytes: float) -> float:
    return round(size_bytes / MIB, 2)


def _errors(snapshot: Snapshot) -> dict[str, str]:
    """Return, where processes were asked for, why some of a pod's are not there.

    Pods of one name in several namespaces are told apart as "namespace/name".
    """
    if not snapshot.scope.processes:
        return {}
    names = [pod.name for pod in snapshot.pods]
    errors: dict[str, str] = {}
    for pod in snapshot.pods:
        sentence = _error(pod)
        if sentence:
            name = pod.name if names.count(pod.name) == 1 else f"{pod.namespace}/{pod.name}"
            errors[name] = sentence
    return errors


def _error(pod: Pod) -> str:
    if pod.unmeasured:
        return pod.unmeasured
    sentences = []
    for container in app_containers(pod):
        sums = container.sums
        skipped = sums.skipped if sums is not None else []
        count = len(skipped) + (sums.skipped_unlisted if sums is not None else 0)
        if count:
            why = ", ".join(sorted({each.reason for each in skipped if each.reason})) or "no reason is known"
            sentences.append(f"container {container.name}: {count} not read ({why})")
    return "; ".join(sentences)


def render_markdown(snapshot: Snapshot) -> str:
    """Return the script's Markdown; names from outside cannot break out of their cell or line."""
    return "\n".join(_lines(view(snapshot))) + "\n"


def _lines(report: dict[str, Any]) -> Iterator[str]:
    yield "# Sandbox Memory Profile"
    yield ""
    yield from (f"- {label}: {markdown_code(text)}" for label, text in _heading(report))
    yield ""
    yield "| Pod | Phase | CPU | Memory | Start Time |"
    yield "| --- | --- | ---: | ---: | --- |"
    yield from (_row(pod) for pod in report["pods"])
    yield from _top_processes(report["pods"])
    if report["process_errors"]:
        yield from ("", "## Process Sample Errors", "")
        for name, sentence in sorted(report["process_errors"].items()):
            yield f"- {markdown_code(name)}: {markdown(sentence)}"
    yield from ("", "## Notes", "")
    yield from (f"- {markdown(note)}" for note in report["notes"])


def _heading(report: dict[str, Any]) -> Iterator[tuple[str, str]]:
    summary = report["summary"]
    yield "Captured at", report["captured_at"]
    yield "Namespace", report["namespace"] or ABSENT
    yield "Selector", report["selector"] or ABSENT
    yield "Sample", report["sample"]
    yield "Pods", str(summary["pod_count"])
    yield "Parsed memory samples", str(summary["parsed_memory_count"])
    yield "Unparsed memory samples", str(summary["unparsed_memory_count"])
    yield "Total memory", f"{summary['total_memory_bytes'] / MIB:.1f} MiB"
    yield "Average memory", _or_absent(summary["average_memory_mib"], " MiB")
    yield "Max memory", _or_absent(summary["max_memory_mib"], " MiB")
    yield "Total CPU", f"{summary['total_cpu_millicores']}m"
    yield "Pods with process samples", str(summary["pods_with_process_samples"])
    yield "Pods with process sample errors", str(summary["pods_with_process_sample_errors"])


def _or_absent(value: float | None, unit: str = "") -> str:
    return ABSENT if value is None else f"{value}{unit}"


def _row(pod: dict[str, Any]) -> str:
    texts = (pod["name"], pod["phase"], pod["cpu"]["raw"], pod["memory"]["raw"], pod["start_time"])
    return f"| {' | '.join(markdown(text) if text else ABSENT for text in texts)} |"


def _top_processes(pods: Sequence[dict[str, Any]]) -> Iterator[str]:
    sampled = [pod for pod in pods if pod["processes"]]
    if sampled:
        yield from ("", "## Top Processes")
    for pod in sampled:
        yield from ("", f"### {markdown(pod['name'])}", "")
        yield "| PID | PPID | RSS | Command |"
        yield "| ---: | ---: | ---: | --- |"
        for each in pod["processes"]:
            rss = ABSENT if each["rss_kib"] is None else f"{each['rss_kib'] / KIB:.1f} MiB"
            yield f"| {each['pid']} | {each['ppid']} | {rss} | {markdown_code(each['command'])} |"
