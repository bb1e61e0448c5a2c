"""A snapshot with --mappings of a real process, in a cgroup tree on paper."""

from html import unescape

import pytest
from click.testing import CliRunner

from memcollect.commands.snapshot import command as snapshot
from memcollect.documents.files import read_snapshot
from memcollect.documents.snapshot import Snapshot
from worlds.local_tree import POD_PATH, make_machine
from worlds.private_memory import HEAP_BYTES, LARGE_BYTES, PROGRAM, python, running

MIB = 1 << 20


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("machine")
    options = make_machine(root, with_service=False)[1:]
    options[options.index("--proc-root") + 1] = "/proc"
    for scope in (root / "cgroup" / POD_PATH, (root / "cgroup" / POD_PATH).parent):
        stat = (scope / "memory.stat").read_text()
        (scope / "memory.stat").write_text(stat.replace(f"anon {40 * MIB}\n", f"anon {160 * MIB}\n", 1))
        (scope / "memory.current").write_text(f"{186 * MIB}\n")
    made = {}
    with running(*python(PROGRAM)) as child:
        (root / "cgroup" / POD_PATH / "cgroup.procs").write_text(f"{child.pid}\n")
        for name in ("table", "markdown", "html", "json"):
            result = CliRunner().invoke(snapshot, [*options, "--mappings", "--format", name])
            assert result.exit_code == 0, result.output
            made[name] = result.stdout
        made["pid"] = str(child.pid)
    (root / "made.json").write_text(made["json"])
    made["file"] = str(root / "made.json")
    return made


@pytest.fixture(scope="module")
def document(reports: dict[str, str]) -> Snapshot:
    return read_snapshot(reports["file"])


def test_the_document_has_every_part_and_they_come_to_pss_anon(document: Snapshot) -> None:
    (pod,) = document.pods
    (memory,) = pod.containers[0].private
    assert document.scope.mappings
    assert memory.residual is not None
    assert (
        memory.whole_bytes
        == sum(part.estimate_bytes for part in memory.parts) + memory.residual.estimate_bytes
    )
    assert abs(memory.residual.estimate_bytes) < 256 << 10
    sizes = {part.kind: part.estimate_bytes for part in reversed(memory.parts)}
    assert sizes["large"] == pytest.approx(LARGE_BYTES, rel=0.01)
    assert HEAP_BYTES <= sizes["heap"] <= HEAP_BYTES + 4 * MIB


def test_the_verdict_names_the_largest_mapping(document: Snapshot, reports: dict[str, str]) -> None:
    said = [each for each in document.pods[0].statements if each.topic == "largest_mapping"]
    assert [each.amount_bytes for each in said] == [pytest.approx(LARGE_BYTES, rel=0.01)]
    assert "Largest by mapping: 64 MiB, anonymous mapping of 64 MiB (python" in document.pods[0].verdict
    assert f", PID {reports['pid']})." in document.pods[0].verdict


@pytest.mark.parametrize("name", ["table", "markdown", "html"])
def test_every_page_shows_the_parts(name: str, reports: dict[str, str]) -> None:
    page = " ".join(unescape(reports[name]).split())
    for part in (
        "by mapping",
        "anonymous mapping of 64 MiB",
        "heap (brk)",
        "200 thread stacks",
        "malloc's arenas",
    ):
        assert part in page


def test_the_terminal_adds_up_what_it_leaves_out(reports: dict[str, str]) -> None:
    assert "others" in reports["table"].partition("by mapping")[2]
    assert all(len(line) <= 80 for line in reports["table"].splitlines())
