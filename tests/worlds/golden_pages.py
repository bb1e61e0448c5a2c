"""One page of each kind that a command prints, in each format that it has, as they were last read.

cd tests && python -m worlds.golden_pages    # writes collector/reporters/golden anew: read its diff
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from memcollect.compare import Question, compare
from memcollect.compare.model import Comparison
from memcollect.doctor.result import Item, Report, Result, Summary
from memcollect.documents.snapshot import KnownPod, NodeAccount, Snapshot, Tool, Top
from memcollect.evidence.catalogue import NAMES
from memcollect.evidence.matrix import Matrix, matrix
from memcollect.explain.node import explain_account
from memcollect.reporters import doctor, html, json, markdown, profile_v1, table
from memcollect.reporters.compare.formats import rendered as comparison_page
from memcollect.reporters.evidence.formats import rendered
from memcollect_agent.wire import Process
from worlds import compare_builders as runs
from worlds import node_builders as nodes
from worlds import sample_snapshots as samples
from worlds.compare_builders import MIB

PLACE = Path(__file__).parents[1] / "collector/reporters/golden"
TOOL = Tool(version="0.1.0")
Page = Callable[[], str]


def pages() -> Mapping[str, Page]:
    """Return how each page is made, by its file's name: the command, what it shows, the format."""
    return {
        **_of_snapshots("explain-one-pod", _one_pod),
        "explain-one-pod-full.txt": lambda: table.render(_one_pod(), width=80, full=True),
        **_of_snapshots("snapshot-many-pods", _many_pods),
        "snapshot-profile-v1.json": lambda: profile_v1.render(_one_pod()),
        "snapshot-profile-v1.md": lambda: profile_v1.render_markdown(_one_pod()),
        **_of_snapshots("node", _node),
        **_of_comparisons("compare-two-runs", _two_runs),
        **{
            name: _without_hashes(page)
            for name, page in _of_comparisons("compare-what-grew", _what_grew).items()
        },
        "doctor.txt": lambda: doctor.render_table(_diagnosis(), width=80),
        "doctor.json": lambda: doctor.render_json(_diagnosis()),
        **_of_matrices("evidence", _matrix),
    }


def _of_snapshots(name: str, made: Callable[[], Snapshot]) -> dict[str, Page]:
    return {
        f"{name}.txt": lambda: table.render(made(), width=80),
        f"{name}.md": lambda: markdown.render(made()),
        f"{name}.html": lambda: _body(html.render(made())),
        f"{name}.json": lambda: json.render(made()),
    }


def _of_comparisons(name: str, made: Callable[[], Comparison]) -> dict[str, Page]:
    return {
        f"{name}.txt": lambda: comparison_page(made(), "table", width=80),
        f"{name}.md": lambda: comparison_page(made(), "markdown"),
        f"{name}.html": lambda: _body(comparison_page(made(), "html")),
        f"{name}.json": lambda: comparison_page(made(), "json"),
    }


def _of_matrices(name: str, made: Callable[[], Matrix]) -> dict[str, Page]:
    return {
        f"{name}.txt": lambda: rendered(made(), "table", TOOL),
        f"{name}.md": lambda: rendered(made(), "markdown", TOOL),
        f"{name}.html": lambda: _body(rendered(made(), "html", TOOL)),
        f"{name}.json": lambda: rendered(made(), "json", TOOL),
    }


def _body(page: str) -> str:
    """Return the page without its style and its script, which are files of their own."""
    return page.partition("</head>")[2].partition("<script>")[0]


def _without_hashes(page: Page) -> Page:
    """Return the page without the hashes of whole documents, which every new field of theirs changes."""
    return lambda: re.sub(r"[0-9a-f]{64}", "of the file", page())


def _one_pod() -> Snapshot:
    return samples.snapshot(missing=[samples.missing_pod()])


def _many_pods() -> Snapshot:
    return samples.snapshot(*(samples.pod(f"sandbox-{index}", verdict="All is well.") for index in range(9)))


def _node() -> Snapshot:
    made = nodes.Made(orphan_anon=150 * MIB, left_shmem=90 * MIB, outside_anon=77 * MIB)
    account = made.account(Top(source="metrics.k8s.io", timestamp=990.0, memory_bytes=1000 * MIB))
    return Snapshot(
        tool=TOOL,
        captured_at="2026-01-01T00:00:00Z",
        finished_at="2026-01-01T00:00:01Z",
        mode="cluster",
        nodes=[nodes.NODE],
        accounts=[explain_account(_with_an_orphan(account), nodes.NODE)],
    )


def _with_an_orphan(account: NodeAccount) -> NodeAccount:
    process = Process(pid=7, ppid=1, start_time=1.0, comm="old", pss_bytes=MIB)
    return msgspec.structs.replace(
        account,
        node="n1",
        known_pods=[KnownPod(uid=nodes.POD, namespace="team", name="web-0")],
        orphan_processes={nodes.ORPHAN: [process]},
    )


def _two_runs() -> Comparison:
    found = compare(runs.rich_pair(), Question(baseline="aio", issue="#3213", version="0.1.0"))
    assert found.evidence is not None
    lines = {each.row: msgspec.structs.replace(each, name="check") for each in reversed(found.evidence.lines)}
    rows = [
        msgspec.structs.replace(
            row,
            cells=[
                msgspec.structs.replace(each, as_expected=1, of=1) if each.of else each for each in row.cells
            ],
        )
        for row in found.evidence.rows
    ]
    few = msgspec.structs.replace(found.evidence, rows=rows, lines=[lines[name] for name in NAMES])
    return msgspec.structs.replace(found, evidence=few)


def _what_grew() -> Comparison:
    return runs.moments()


def _matrix() -> Matrix:
    untried = runs.few(runs.evidence_of("aio", {"Uploads": "not-tried", "Files": "differs"}))
    return matrix([untried, runs.few(runs.evidence_of("cube", {"Paths": "fails"}))])


def _diagnosis() -> Report:
    results = [
        Result(check="server", title="API server", status="ok", sentence="Kubernetes v1.36.0 answers."),
        Result(
            check="clocks",
            title="clocks",
            status="warn",
            sentence="The clock of node worker-2 is 41 s ahead: a sample's age there is not known.",
            remedy="Let the node keep time by NTP.",
            items=[Item(name="worker-1", status="ok"), Item(name="worker-2", status="warn", detail="41 s")],
        ),
        Result(
            check="agents",
            title="agents",
            status="fail",
            sentence="The agent of node worker-2 does not answer.",
            remedy="See why:",
            commands=["kubectl --context staging describe pod -n memcollect memcollect-agent-worker-2-x7k2p"],
        ),
        *(
            Result(check=check, title=check, status="skipped", sentence="No agent answers.", because="agents")
            for check in ("history", "files")
        ),
    ]
    return Report(
        tool="memcollect 0.1.0",
        mode="cluster",
        checked_at="2026-01-01T00:00:00Z",
        status="fail",
        summary=Summary(ok=1, warn=1, fail=1, skipped=2),
        results=results,
    )


def write() -> None:
    """Write all pages, and take away those that no command prints any more."""
    made = pages()
    for gone in {path.name for path in PLACE.iterdir()} - set(made):
        (PLACE / gone).unlink()
    for name, page in made.items():
        (PLACE / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write()
