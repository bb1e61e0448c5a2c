import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client import parser as text_parser
from prometheus_client.openmetrics import parser as openmetrics_parser

from memcollect_agent.history import Recorder
from memcollect_agent.measure.sample import Roots, sample_node
from memcollect_agent.metrics.catalogue import CATALOGUE
from memcollect_agent.metrics.ledger import Ledger
from memcollect_agent.metrics.node import read_node
from memcollect_agent.metrics.page import MIN_SECONDS, Page, Sources
from memcollect_agent.metrics.pss import ContainerSums, PssReading, summed
from memcollect_agent.metrics.readings import NodeReading
from memcollect_agent.wire import HistoryRequest, Problem, SampleRequest
from worlds.agent_trees import recorded
from worlds.metrics_stage import REPOSITORY, promtool
from worlds.pod_tree import PodTree, uid

ROOTS = recorded("systemd-kernel-7.2")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def full() -> Iterator[Page]:
    """A page with everything on it."""
    ledger = Ledger()
    sample = ledger.timed("sample", ledger.sampled(lambda: sample_node(SampleRequest(), ROOTS)))()
    ledger.note_problems([Problem(kind="pod", name="x", reason="gone", detail="")])
    recorder = Recorder(ROOTS.cgroup)
    recorder.tick()
    history = recorder.history(HistoryRequest(pod_uids=[]))
    pss = summed(sample)
    yield Page(Sources(lambda: read_node(ROOTS), ledger, lambda: history, lambda: pss))
    recorder.close()


def text(page: Page, *, openmetrics: bool = False) -> str:
    return page.get(openmetrics=openmetrics, compressed=False).decode()


def parsed(page: str) -> list[Metric]:
    return list(text_parser.text_string_to_metric_families(page))


def families(page: Page, *, openmetrics: bool = False) -> list[Metric]:
    if not openmetrics:
        return parsed(text(page))
    written = text(page, openmetrics=True)
    return list(openmetrics_parser.text_string_to_metric_families(written))  # type: ignore[no-untyped-call]


def of_tree(tree: PodTree) -> Page:
    return Page(Sources(lambda: read_node(roots_of(tree)), Ledger()))


def roots_of(tree: PodTree) -> Roots:
    return Roots(proc=str(tree.proc), cgroup=str(tree.cgroup), sys=str(tree.sys))


def test_promtool_finds_no_fault(full: Page) -> None:
    assert promtool("check", "metrics", given=text(full)) == ""


def test_the_page_has_every_metric_of_the_catalogue_and_the_usual_ones_of_a_process(full: Page) -> None:
    names = {one.name for one in families(full)}
    assert {spec.name for spec in CATALOGUE} <= names
    others = names - {spec.name for spec in CATALOGUE}
    assert others
    assert all(name.startswith("process_") for name in others)


def test_both_forms_say_the_same(full: Page) -> None:
    plain = {(s.name, tuple(sorted(s.labels.items()))): s.value for f in families(full) for s in f.samples}
    other = {
        (s.name, tuple(sorted(s.labels.items()))): s.value
        for f in families(full, openmetrics=True)
        for s in f.samples
    }
    assert plain == other
    assert len(plain) > 200


def test_units_are_in_the_names_and_on_the_page(full: Page) -> None:
    for one in families(full, openmetrics=True):
        if one.name.startswith("memcollect_"):
            assert one.unit in ("bytes", "seconds", "")
            assert one.name.endswith(one.unit)
            assert bool(one.unit) == one.name.endswith(("_bytes", "_seconds"))


def test_no_series_comes_twice(full: Page) -> None:
    series = [line.rpartition(" ")[0] for line in text(full).splitlines() if not line.startswith("#")]
    assert len(series) == len(set(series))


def test_every_metric_is_documented() -> None:
    document = (REPOSITORY / "docs/metrics.md").read_text()
    for spec in CATALOGUE:
        name = f"{spec.name}_total" if spec.kind == "counter" else spec.name
        assert f"`{name}`" in document, name


def test_a_number_the_kernel_did_not_give_is_no_series(tmp_path: Path) -> None:
    tree = PodTree(tmp_path)
    pod = tree.add_pod(1, 1)
    (pod / "memory.current").unlink()
    page = text(of_tree(tree))
    series = [line for line in page.splitlines() if not line.startswith("#")]
    assert not [line for line in series if line.startswith("memcollect_pod_current_bytes")]
    assert not [line for line in series if "swap_bytes" in line or "dying" in line or "pss" in line]
    assert [line for line in series if line.startswith("memcollect_container_current_bytes")]


def test_a_node_that_cannot_be_read_is_a_page_that_says_so() -> None:
    problem = Problem(kind="node", name="/", reason="unreadable", detail="")
    page = text(Page(Sources(lambda: NodeReading(readable=False, problems=[problem]), Ledger())))
    assert "memcollect_node_readable 0.0\n" in page
    assert 'memcollect_agent_problems_total{kind="node",reason="unreadable"} 1.0\n' in page
    assert "memcollect_container_current_bytes{" not in page


def test_pss_of_a_cgroup_that_was_made_anew_is_not_shown(tmp_path: Path) -> None:
    tree = PodTree(tmp_path)
    pod = tree.add_pod(1, 1, 2)
    first, second = (one.inode for one in read_node(roots_of(tree)).pods[0].containers)
    sums = {second: ContainerSums(rss=3, pss=2, unread=0), -1: ContainerSums(rss=9, pss=9, unread=0)}
    assert first is not None
    assert pod.exists()
    reading = PssReading(at=7.0, containers={inode: one for inode, one in sums.items() if inode is not None})
    page = text(Page(Sources(lambda: read_node(roots_of(tree)), Ledger(), pss=lambda: reading)))
    shown = [line for line in page.splitlines() if line.startswith("memcollect_container_pss_bytes{")]
    assert len(shown) == 1
    assert shown[0].endswith(" 2.0")
    assert "memcollect_pss_timestamp_seconds 7.0\n" in page


def test_hostile_names_cannot_add_a_line(tmp_path: Path) -> None:
    tree = PodTree(tmp_path)
    pod = tree.add_pod(1)
    tree.write(pod / 'x"} 1\nmemcollect_evil 1\n#\\', 5)
    page = text(of_tree(tree))
    names = {one.name for one in parsed(page)}
    assert not [name for name in names if "evil" in name]
    assert uid(1) in page


def test_within_a_second_all_scrapers_share_one_reading() -> None:
    readings: list[int] = []

    def read() -> NodeReading:
        readings.append(1)
        return NodeReading(readable=True)

    clock = Clock()
    page = Page(Sources(read, Ledger()), clock)
    first = page.get(openmetrics=True, compressed=False)
    assert page.get(openmetrics=True, compressed=False) is first
    assert gzip.decompress(page.get(openmetrics=True, compressed=True)) == first
    page.get(openmetrics=False, compressed=False)
    assert len(readings) == 1
    clock.now += MIN_SECONDS
    assert page.get(openmetrics=True, compressed=False) is not first
    assert len(readings) == 2
