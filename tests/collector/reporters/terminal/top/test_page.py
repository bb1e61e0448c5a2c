"""The live view's pages: golden at two widths, and at every width no wider than that."""

from pathlib import Path

import pytest
from rich.cells import cell_len

from memcollect.documents.snapshot import Missing, Undecided
from memcollect.join import Failure
from memcollect.live.frame import frame_of
from memcollect.live.model import Departed, World
from memcollect.live.parts import Part
from memcollect.live.rows import Use
from memcollect.reporters.terminal.top.page import page_lines
from worlds.live_builders import MIB, exactly, growth, parts, row, view
from worlds.sample_snapshots import HOSTILE

GOLDEN = Path(__file__).parent / "golden"
KIB = 1 << 10
TITLE = "by working set, every 5 s, 12:00:00"
STAIRS = tuple(n * 10 * MIB for n in range(10))
NO_SOCK = ("KERNEL", Undecided(name="sock", missing="stat.sock", reason="this kernel has no such line"))
RICH = World(
    nodes={
        "node-1": view(
            row(
                "sandbox-growing-7d4b9c6f5-x2x9k",
                792 * MIB,
                parts=parts(
                    792 * MIB,
                    anon=Part(400 * MIB, 390 * MIB, 400 * MIB),
                    shmem=exactly(128 * MIB),
                    hot_cache=Part(250 * MIB, 250 * MIB, 260 * MIB),
                    kernel=exactly(14 * MIB + 300 * KIB),
                ),
                growth=growth(90 * MIB, trend=STAIRS),
                top_bytes=702 * MIB,
                top_at=970.0,
                use=Use(current_bytes=950 * MIB, limit=1024 * MIB, container="app"),
                oom_kills=2,
            ),
            row(
                "sandbox-still",
                11 * MIB,
                growth=growth(0, trend=[11 * MIB] * 10),
                top_bytes=11 * MIB,
                top_at=985.0,
            ),
            row(
                "sandbox-young",
                5 * MIB,
                growth=growth(-3 * MIB, over=12.0, trend=[None] * 7 + [8 * MIB, 6 * MIB, 5 * MIB]),
                top_detail="too young: container app started 14 s ago",
                parts=parts(
                    5 * MIB, anon=exactly(4 * MIB), kernel=Part(512 * KIB, 512 * KIB, 512 * KIB, partial=True)
                ),
                open=(NO_SOCK,),
            ),
        ),
        "node-2": view(
            row("sandbox-stale", 64 * MIB, node="node-2", growth=growth(0), top_bytes=64 * MIB, top_at=900.0),
            name="node-2",
            received=80.0,
            failure=Failure(
                "timeout", "The agent at port 7070 of pod memcollect/agent-2 did not answer in 10 s."
            ),
        ),
        "node-3": view(
            row(
                "sandbox-alone",
                None,
                node="node-3",
                unmeasured="Node node-3 has no memcollect agent.",
                use=Use(),
                oom_kills=None,
            ),
            row("job-1", None, node="node-3", finished=True),
            name="node-3",
            received=None,
            missing=(
                Missing(
                    kind="pod",
                    name="deer-flow/sandbox-alone",
                    node="node-3",
                    reason="no-agent",
                    detail="Node node-3 has no memcollect agent.",
                ),
            ),
        ),
    },
    departed=(Departed(name="deer-flow/sandbox-gone", noticed=95.0, working_set_bytes=30 * MIB),),
)


def _page(world: World, width: int, limit: int | None = None) -> str:
    lines = page_lines(frame_of(world, 105.0, 10.0, "working-set", limit), TITLE, width)
    return "".join(f"{line.plain.rstrip()}\n" for line in lines)


def _world(*names: str) -> World:
    return World(nodes={"node-1": view(*(row(name, growth=growth(0)) for name in names))})


@pytest.mark.parametrize("width", [80, 140])
def test_it_reads_as_the_golden_page_says(width: int) -> None:
    assert _page(RICH, width) == (GOLDEN / f"rich-{width}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [1, 8, 20, 40, 60, 79, 80, 100, 130, 139, 140, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(cell_len(line) for line in _page(RICH, width, limit=2).splitlines()) <= width


@pytest.mark.parametrize("width", [80, 140])
def test_hostile_names_are_text(width: int) -> None:
    problem = Missing(kind="pod", name=HOSTILE, reason="gone", detail=HOSTILE)
    hostile = view(
        row(HOSTILE, namespace=HOSTILE, node=HOSTILE, top_detail=HOSTILE),
        row(f"{HOSTILE}2", None, unmeasured=HOSTILE),
    )
    page = _page(World(nodes={"n": hostile}, problems=(problem,), notes=(HOSTILE,)), width)
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "\r" not in page


def test_pods_beyond_the_limit_are_summed_in_a_line() -> None:
    names = [f"sandbox-{number:02}" for number in range(50)]
    page = _page(_world(*names), 140, limit=8)
    assert page.count("\nsandbox-") == 8
    assert "and 42 more" in page
    assert "50 pods" in page


def test_a_narrow_terminal_says_which_columns_are_not_there() -> None:
    page = _page(_world("sandbox-1"), 50)
    assert "too narrow for HOT, KERNEL, OTHER: 80 columns show them" in " ".join(page.split())


def test_pods_of_several_namespaces_are_named_in_full() -> None:
    both = view(row("a", namespace="x"), row("b", namespace="y"))
    page = _page(World(nodes={"n": both}), 140)
    assert "x/a" in page
    assert "y/b" in page


def test_this_machine_has_no_columns_of_kubectl_top() -> None:
    page = _page(World(nodes={"n": view(row(namespace=None))}, with_top=False), 140)
    assert " TOP" not in page
    assert "memcollect top  1 pod on 1 node" in page


def test_a_reason_that_is_told_as_missing_is_not_told_twice() -> None:
    gap = Missing(
        kind="metrics", name="*", reason="no-metrics-api", detail="This cluster has no metrics API."
    )
    page = _page(World(nodes={"n": view(row(top_detail=gap.detail))}, problems=(gap,)), 140)
    assert page.count("no metrics API") == 1


def test_a_pod_without_numbers_has_its_reason_below_though_nothing_is_missing() -> None:
    guest = view(
        row("a", None, unmeasured="it runs in a guest"), row("b", None, unmeasured="it runs in a guest")
    )
    page = _page(World(nodes={"n": guest}), 140)
    assert "no working set of 2 pods: deer-flow/a, deer-flow/b: it runs in a guest" in page


def test_nothing_at_all_is_a_page_too() -> None:
    assert "0 pods on 0 nodes" in _page(World(), 80)
