"""A node's account in every format: the same words, nothing of a stranger's text obeyed, 80 columns kept."""

import msgspec
import pytest
from rich.cells import cell_len

from memcollect.documents.snapshot import KnownPod, NodeAccount, Snapshot, Top
from memcollect.explain.node import explain_account
from memcollect.reporters import html, json, markdown, table
from memcollect_agent.wire import Process
from worlds.node_builders import MIB, NODE, ORPHAN, POD, Made
from worlds.sample_snapshots import HOSTILE


def account(*, hostile: bool = False) -> NodeAccount:
    made = Made(orphan_anon=150 * MIB, left_shmem=90 * MIB, outside_anon=77 * MIB)
    raw = made.account(Top(source="metrics.k8s.io", timestamp=990.0, memory_bytes=1000 * MIB))
    name = HOSTILE if hostile else "web-0"
    process = Process(pid=7, ppid=1, start_time=1.0, comm=HOSTILE if hostile else "old", pss_bytes=MIB)
    return explain_account(
        msgspec.structs.replace(
            raw,
            node=HOSTILE if hostile else "n1",
            known_pods=[KnownPod(uid=POD, namespace="team", name=name, evicted=name)],
            orphan_processes={ORPHAN: [process]},
        ),
        NODE,
    )


def document(each: NodeAccount) -> Snapshot:
    return Snapshot(captured_at="T", finished_at="T", mode="cluster", nodes=[NODE], accounts=[each])


def words(text: str) -> str:
    return " ".join(text.split())


def test_the_first_screen_has_the_verdict_and_who_holds_the_memory() -> None:
    lines = table.render(document(account()), width=80).splitlines()
    first = words(" ".join(lines[:24]))

    assert words(account().verdict) in first
    assert "Who holds it: MemTotal" in first
    assert "pods the API lacks" in first


def test_no_line_is_wider_than_the_terminal() -> None:
    for each in (account(), account(hostile=True)):
        assert max(map(cell_len, table.render(document(each), width=80).splitlines())) <= 80


def test_every_format_tells_the_verdict_and_the_orphans_processes() -> None:
    for text in (table.render(document(account())), markdown.render(document(account()))):
        assert "old (pid 7, 1.0 MiB)" in words(text).replace("\\", "")
        assert "evict in this order" in words(text)
    page = html.render(document(account()))
    assert "old (pid 7, 1.0 MiB)" in page
    assert account().verdict.split(";")[0] in page


@pytest.mark.parametrize("render", [table.render, markdown.render, html.render])
def test_what_a_stranger_chose_is_shown_and_not_obeyed(render: object) -> None:
    assert callable(render)
    text = render(document(account(hostile=True)))

    assert not {"\x1b", "\u202e", "\r"} & set(text)
    assert "<script>" not in text or render is not html.render


def test_a_saved_account_is_explained_again_from_the_document_alone() -> None:
    saved = msgspec.json.decode(json.render(document(account())).encode(), type=Snapshot)

    assert explain_account(saved.accounts[0], saved.nodes[0]) == account()
