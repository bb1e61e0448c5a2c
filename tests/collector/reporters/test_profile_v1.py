import json
import re
from typing import Any

import msgspec
import pytest

from memcollect.documents.snapshot import Container, Missing, Pod, Scope, Snapshot, Top
from memcollect.reporters import profile_v1
from memcollect_agent.wire import Process, ProcessSums, SkippedProcess
from worlds import sample_snapshots as samples

MIB = 1 << 20
SCOPE = Scope(namespaces=["deer-flow"], selector="app=deer-flow-sandbox", processes=True)
SUMMARY_KEYS = {
    "pod_count",
    "parsed_memory_count",
    "unparsed_memory_count",
    "total_memory_bytes",
    "total_memory_mib",
    "average_memory_mib",
    "max_memory_mib",
    "parsed_cpu_count",
    "unparsed_cpu_count",
    "total_cpu_millicores",
    "pods_with_process_samples",
    "pods_with_process_sample_errors",
}


def _pod(
    name: str = "sandbox-1", memory: int | None = 792 * MIB, cpu: int | None = 11_166_452, **more: Any
) -> Pod:
    containers = [
        Container(
            name="aio",
            image="ghcr.io/aio:1.0",
            requests={"cpu": "100m", "memory": "256Mi"},
            limits={"memory": "1Gi"},
            processes=[
                Process(pid=7, ppid=1, start_time=1.0, comm="sh", rss_bytes=MIB + 512),
                Process(
                    pid=9, ppid=7, start_time=1.0, comm="python3", command="python3 -m x", rss_bytes=3 * MIB
                ),
            ],
        ),
        Container(
            name="sidecar",
            processes=[Process(pid=5, ppid=1, start_time=1.0, comm="envoy", rss_bytes=2 * MIB)],
        ),
        Container(name="pause", role="pause"),
    ]
    fields: dict[str, Any] = {
        "uid": f"u-{name}",
        "name": name,
        "namespace": "deer-flow",
        "phase": "Running",
        "start_time": "2026-01-01T00:00:00Z",
        "labels": {"app": "deer-flow-sandbox"},
        "containers": containers,
        "top": Top(source="metrics.k8s.io", memory_bytes=memory, cpu_nanocores=cpu),
        **more,
    }
    return Pod(**fields)


def _snapshot(*pods: Pod, **more: Any) -> Snapshot:
    fields = {"mode": "cluster", "scope": SCOPE, "pods": list(pods), "notes": [], **more}
    return samples.snapshot(**fields)


def _view(*pods: Pod, **more: Any) -> dict[str, Any]:
    view: dict[str, Any] = json.loads(profile_v1.render(_snapshot(*pods, **more)))
    return view


def test_the_documents_shape_is_the_scripts() -> None:
    view = _view(_pod())
    assert set(view) == {
        "schema_version",
        "captured_at",
        "namespace",
        "selector",
        "sample",
        "summary",
        "pods",
        "process_errors",
        "notes",
    }
    assert set(view["summary"]) == SUMMARY_KEYS
    assert view["schema_version"] == 1
    assert (view["namespace"], view["selector"]) == ("deer-flow", "app=deer-flow-sandbox")
    assert (view["sample"], view["captured_at"]) == ("after-python", "2026-01-02T03:04:05Z")


def test_a_pods_row_is_the_scripts() -> None:
    (pod,) = _view(_pod())["pods"]
    processes = pod.pop("processes")
    assert pod == {
        "name": "sandbox-1",
        "cpu": {"raw": "12m", "millicores": 12},
        "memory": {"raw": "792Mi", "bytes": 792 * MIB, "mib": 792.0},
        "phase": "Running",
        "start_time": "2026-01-01T00:00:00Z",
        "labels": {"app": "deer-flow-sandbox"},
        "containers": {
            "aio": {
                "image": "ghcr.io/aio:1.0",
                "requests": {"cpu": "100m", "memory": "256Mi"},
                "limits": {"memory": "1Gi"},
            },
            "sidecar": {"image": "", "requests": {}, "limits": {}},
        },
    }
    assert processes[0] == {
        "pid": 9,
        "ppid": 7,
        "rss_kib": 3072,
        "rss_mib": 3.0,
        "command": "python3 -m x",
    }


def test_keys_are_sorted_and_indented_by_two() -> None:
    text = profile_v1.render(_snapshot(_pod()))
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n"
    assert text.startswith('{\n  "captured_at"')


def test_processes_of_all_containers_are_listed_by_rss() -> None:
    (pod,) = _view(_pod())["pods"]
    assert [each["command"] for each in pod["processes"]] == ["python3 -m x", "envoy", "sh"]


def test_a_process_whose_size_is_unknown_comes_last_with_nulls() -> None:
    unknown = Process(pid=3, ppid=1, start_time=1.0, comm="odd")
    known = Process(pid=4, ppid=1, start_time=1.0, comm="even", rss_bytes=0)
    (pod,) = _view(_pod(containers=[Container(name="aio", processes=[unknown, known])]))["pods"]
    assert [(each["pid"], each["rss_kib"], each["rss_mib"]) for each in pod["processes"]] == [
        (4, 0, 0.0),
        (3, None, None),
    ]


@pytest.mark.parametrize(
    ("memory", "raw"), [(0, "0Mi"), (MIB - 1, "0Mi"), (792 * MIB + 5, "792Mi"), ((1 << 50), "1073741824Mi")]
)
def test_memory_reads_as_kubectl_prints_it(memory: int, raw: str) -> None:
    (pod,) = _view(_pod(memory=memory))["pods"]
    assert pod["memory"]["raw"] == raw
    assert pod["memory"]["bytes"] == int(raw.removesuffix("Mi")) * MIB


@pytest.mark.parametrize(
    ("nanocores", "raw"), [(0, "0m"), (1, "1m"), (1_000_000, "1m"), (1_500_000_001, "1501m")]
)
def test_cpu_reads_as_kubectl_prints_it(nanocores: int, raw: str) -> None:
    (pod,) = _view(_pod(cpu=nanocores))["pods"]
    assert (pod["cpu"]["raw"], pod["cpu"]["millicores"]) == (raw, int(raw.removesuffix("m")))


def test_the_summary_counts_and_averages_what_has_a_number() -> None:
    summary = _view(_pod("a", 100 * MIB), _pod("b", 201 * MIB), _pod("c", None, None, containers=[]))[
        "summary"
    ]
    assert summary == {
        "pod_count": 3,
        "parsed_memory_count": 2,
        "unparsed_memory_count": 1,
        "total_memory_bytes": 301 * MIB,
        "total_memory_mib": 301.0,
        "average_memory_mib": 150.5,
        "max_memory_mib": 201.0,
        "parsed_cpu_count": 2,
        "unparsed_cpu_count": 1,
        "total_cpu_millicores": 24,
        "pods_with_process_samples": 2,
        "pods_with_process_sample_errors": 0,
    }


def test_without_any_number_average_and_maximum_are_null() -> None:
    summary = _view(_pod(memory=None, cpu=None))["summary"]
    assert (summary["average_memory_mib"], summary["max_memory_mib"]) == (None, None)
    assert (summary["total_memory_bytes"], summary["unparsed_memory_count"]) == (0, 1)


@pytest.mark.parametrize("top", [None, Top(source="metrics.k8s.io", status="no-metrics")])
def test_a_pod_without_metrics_is_a_row_with_nulls(top: Top | None) -> None:
    (pod,) = _view(_pod(top=top, phase="Pending", start_time=None))["pods"]
    assert pod["memory"] == {"raw": None, "bytes": None, "mib": None}
    assert pod["cpu"] == {"raw": None, "millicores": None}
    assert (pod["phase"], pod["start_time"]) == ("Pending", "")


def test_why_processes_were_not_read_is_told_by_pod() -> None:
    unread = Container(
        name="aio",
        sums=ProcessSums(skipped=[SkippedProcess(pid=1, reason="denied")], skipped_unlisted=2),
    )
    view = _view(_pod("a", containers=[unread]), _pod("b", unmeasured="No agent runs there."), _pod("c"))
    assert view["process_errors"] == {
        "a": "container aio: 3 not read (denied)",
        "b": "No agent runs there.",
    }
    assert view["summary"]["pods_with_process_sample_errors"] == 2


def test_pods_of_one_name_in_two_namespaces_keep_their_errors_apart() -> None:
    pods = [_pod("a", namespace=name, unmeasured=f"why {name}") for name in ("one", "two")]
    assert _view(*pods)["process_errors"] == {"one/a": "why one", "two/a": "why two"}


def test_processes_that_nobody_asked_for_are_no_errors() -> None:
    view = _view(_pod("b", unmeasured="No agent."), scope=msgspec.structs.replace(SCOPE, processes=False))
    assert view["process_errors"] == {}


@pytest.mark.parametrize(("namespaces", "shown"), [(["a"], "a"), (["a", "b"], "a,b"), (None, "*")])
def test_the_namespace_is_a_text(namespaces: list[str] | None, shown: str) -> None:
    assert _view(_pod(), scope=Scope(namespaces=namespaces))["namespace"] == shown


def test_what_is_missing_is_a_note() -> None:
    missing = [Missing(kind="pod", name="gone", reason="not-found", detail="There is none.")]
    assert "Not measured: pod gone (not-found): There is none." in _view(missing=missing)["notes"]


def test_one_machine_says_why_it_has_no_numbers() -> None:
    assert profile_v1.LOCAL_NOTE in _view(_pod(top=None), mode="local")["notes"]


def test_the_markdown_is_laid_out_as_the_scripts() -> None:
    missing_top = _pod("sandbox-2", None, None, phase=None, start_time=None, containers=[])
    lines = profile_v1.render_markdown(_snapshot(_pod(), missing_top)).splitlines()
    assert lines[:21] == [
        "# Sandbox Memory Profile",
        "",
        "- Captured at: `2026-01-02T03:04:05Z`",
        "- Namespace: `deer-flow`",
        "- Selector: `app=deer-flow-sandbox`",
        "- Sample: `after-python`",
        "- Pods: `2`",
        "- Parsed memory samples: `1`",
        "- Unparsed memory samples: `1`",
        "- Total memory: `792.0 MiB`",
        "- Average memory: `792.0 MiB`",
        "- Max memory: `792.0 MiB`",
        "- Total CPU: `12m`",
        "- Pods with process samples: `1`",
        "- Pods with process sample errors: `0`",
        "",
        "| Pod | Phase | CPU | Memory | Start Time |",
        "| --- | --- | ---: | ---: | --- |",
        "| sandbox-1 | Running | 12m | 792Mi | 2026-01-01T00:00:00Z |",
        "| sandbox-2 | - | - | - | - |",
        "",
    ]
    assert lines[21:27] == [
        "## Top Processes",
        "",
        "### sandbox-1",
        "",
        "| PID | PPID | RSS | Command |",
        "| ---: | ---: | ---: | --- |",
    ]
    assert lines[27] == "| 9 | 7 | 3.0 MiB | `python3 -m x` |"
    assert "## Notes" in lines
    assert "## Process Sample Errors" not in lines


def test_errors_have_a_section_of_their_own() -> None:
    text = profile_v1.render_markdown(_snapshot(_pod("b", unmeasured="No agent.")))
    assert "\n## Process Sample Errors\n\n- `b`: No agent.\n" in text


def test_pipes_and_backticks_in_commands_are_escaped() -> None:
    process = Process(pid=1, ppid=0, start_time=1.0, comm="sh", command="sh -c `a|b`", rss_bytes=MIB)
    text = profile_v1.render_markdown(
        _snapshot(_pod(containers=[Container(name="aio", processes=[process])]))
    )
    assert r"| 1 | 0 | 1.0 MiB | `` sh -c `a\|b` `` |" in text


def test_hostile_names_stay_in_their_place() -> None:
    hostile = samples.hostile_pod()
    text = profile_v1.render_markdown(_snapshot(hostile, sample=samples.HOSTILE))
    outside_code = re.sub(r"(`+).+?(?<!`)\1(?!`)", "", text)
    assert "\x1b" not in text
    assert not re.search(r"(?<!\\)<script", outside_code)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {5, 6}
    assert json.loads(profile_v1.render(_snapshot(hostile)))["pods"][0]["name"] == samples.HOSTILE
