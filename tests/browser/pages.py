"""The pages that the browser is shown: one of each kind, and one that somebody tampered with."""

from pathlib import Path

import msgspec

from memcollect.compare import Question, compare
from memcollect.documents.snapshot import Pod, Snapshot, Statement, Subtotal, Summary
from memcollect.explain.node import explain_account
from memcollect.explain.statement import Rank
from memcollect.reporters import html
from memcollect.reporters.compare.formats import rendered as comparison_page
from memcollect_agent.wire import Cgroup, FileUse, Limit, PodFiles
from worlds import compare_builders, node_builders
from worlds import sample_snapshots as samples
from worlds.sample_snapshots import MIB

FOREIGN = "<script>globalThis.foreign = 'ran'</script>"
SIZES = {"pod-1": 90, "pod-2": 5, "pod-10": 1012, "pod-4": 300, "pod-5": 40, "pod-6": 41, "pod-7": 42}
"""MiB of working set by the pod's name."""


def write_pages(directory: Path) -> None:
    """Write them all."""
    pods = html.render(several())
    pages = {
        "pods": pods,
        "injected": pods.replace("</body>", f"{FOREIGN}</body>"),
        "pod": html.render(samples.snapshot(missing=[samples.missing_pod()])),
        "details": html.render(samples.snapshot(_with_files())),
        "hostile": html.render(samples.snapshot(samples.hostile_pod(), samples.pod()), details="all"),
        "node": html.render(_node()),
        "compared": comparison_page(compare(compare_builders.rich_pair(), Question(version="0.1.0")), "html"),
    }
    for name, text in pages.items():
        (directory / f"{name}.html").write_text(text, encoding="utf-8")


def _with_files() -> Pod:
    """Return a pod with processes and with files, of which the name of the smallest comes first."""
    sizes = {"/opt/b2.bin": 312, "/opt/b10.bin": 64, "/opt/a.bin": 2}
    files = [
        FileUse(
            path=path,
            place="mapped",
            by="smaps",
            resident_low_bytes=size * MIB,
            resident_high_bytes=size * MIB,
        )
        for path, size in sizes.items()
    ]
    return samples.pod(files=PodFiles(files=files))


def several() -> Snapshot:
    """Return pods that differ in what the table is sorted by: without a limit, killed, not measured."""
    pods = [_pod(name, size * MIB, 2048 * MIB) for name, size in SIZES.items()]
    killed = Statement(topic="kill", sentence="It was killed.", rank=Rank.DEATHS)
    small = _pod("small", MIB, None, verdict="1 MiB of 1 MiB is tmpfs.", statements=[killed])
    bare = samples.pod("bare", composition=None, ladder=None, top=None, verdict="Not measured.")
    rows = [Subtotal(name=name, pods=1, working_set_bytes=MIB) for name in ("n1", "n2")]
    last = msgspec.structs.replace(pods[-1], statements=[killed])
    return samples.snapshot(
        *[*pods[:-1], last, small, bare],
        missing=[samples.missing_pod()],
        summary=Summary(pods=10, pods_measured=8, nodes=rows),
    )


def _pod(name: str, size: int, limit: int | None, **more: object) -> Pod:
    made = samples.pod(name)
    part = samples.part_of(size)
    most: Limit = "max" if limit is None else limit
    app = msgspec.structs.replace(
        made.containers[0],
        composition=part,
        cgroup=Cgroup(path="/a.scope", inode=1, current_bytes=size, max_bytes=most),
    )
    return samples.pod(name, composition=part, containers=[app], **more)


def _node() -> Snapshot:
    account = explain_account(node_builders.Made().account(), node_builders.NODE)
    return Snapshot(
        captured_at="T", finished_at="T", mode="cluster", nodes=[node_builders.NODE], accounts=[account]
    )
