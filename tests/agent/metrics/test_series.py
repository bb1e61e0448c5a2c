"""The two sets of series: what is in them, that both add up, and how many they are on a full node."""

import re
from collections import Counter
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from memcollect_agent.measure.sample import Roots
from memcollect_agent.metrics.catalogue import CATALOGUE, CONTAINER, POD, SETS, Series
from memcollect_agent.metrics.ledger import Ledger
from memcollect_agent.metrics.node import read_node
from memcollect_agent.metrics.page import Page, Sources
from memcollect_agent.metrics.parts import CORE_TERMS, TERMS
from worlds.agent_trees import recorded
from worlds.metrics_stage import REPOSITORY
from worlds.pod_tree import PodTree

ROOTS = recorded("systemd-kernel-7.2")
KUBELETS_DEFAULT_PODS = 110
ASKED_FOR = {
    "memcollect_container_pss_bytes",
    "memcollect_container_rss_bytes",
    "memcollect_container_unread_processes",
}
"""On the page only where a pass over all processes was asked for."""

Sample = tuple[str, dict[str, str], float]


def samples(roots: Roots, series: Series) -> list[Sample]:
    page = Page(Sources(lambda: read_node(roots), Ledger(), series=series))
    text = page.get(openmetrics=False, compressed=False).decode()
    return [
        (one.name, one.labels, one.value) for f in text_string_to_metric_families(text) for one in f.samples
    ]


def per_container(series: Series) -> int:
    """Return the most series that one container has: by the catalogue, on a kernel that gives all of them."""
    terms = CORE_TERMS if series == "core" else TERMS
    metrics = [
        spec for spec in CATALOGUE if spec.labels[: len(CONTAINER)] == CONTAINER and spec.within(series)
    ]
    return sum(len(terms) if "term" in spec.labels else 1 for spec in metrics if spec.name not in ASKED_FOR)


def per_pod(series: Series) -> int:
    return len([spec for spec in CATALOGUE if spec.labels == POD and spec.within(series)])


def of_node(series: Series, app_containers: int) -> int:
    """Return the series about the containers and pods of a full node; each pod has a pause container, too."""
    containers = app_containers + (series == "all")
    return KUBELETS_DEFAULT_PODS * (containers * per_container(series) + per_pod(series))


def full_node(base: Path, app_containers: int) -> Roots:
    """Return a node of 110 pods whose kernel gives everything that the catalogue has."""
    tree = PodTree(base)
    for pod in range(KUBELETS_DEFAULT_PODS):
        names = [pod * 8 + number for number in range(app_containers)]
        directory = tree.add_pod(pod, *names, current=4 << 20)
        pause = tree.write(directory / f"{pod * 8 + 7:064x}", 4096)
        # The only process of the cgroup tells, by its name, that it is the pause container's.
        process = tree.proc / str(pod + 1)
        process.mkdir()
        (process / "stat").write_text(f"{pod + 1} (pause) S 1 {'0 ' * 49}\n")
        (process / "comm").write_text("pause\n")
        (pause / "cgroup.procs").write_text(f"{pod + 1}\n")
        for each in (directory, *(path for path in directory.iterdir() if path.is_dir())):
            for name, text in {
                "memory.max": "8388608\n",
                "memory.swap.current": "0\n",
                "memory.events": "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n",
                "cgroup.stat": "nr_descendants 0\nnr_dying_descendants 0\n",
            }.items():
                (each / name).write_text(text)
            with (each / "memory.stat").open("a") as stat:
                stat.write("hugetlb 0\n")
    return Roots(proc=str(tree.proc), cgroup=str(tree.cgroup), sys=str(tree.sys))


def about_pods(found: list[Sample]) -> int:
    return len([name for name, labels, _ in found if "pod_uid" in labels])


def test_the_core_set_has_at_most_eight_series_of_a_container() -> None:
    assert per_container("core") == 8
    found = samples(ROOTS, "core")
    counted = Counter(labels["container_id"] for _, labels, _ in found if "container_id" in labels)
    assert counted
    assert max(counted.values()) <= 8


def test_the_core_set_is_about_the_same_pods_nodes_and_agents() -> None:
    core, whole = samples(ROOTS, "core"), samples(ROOTS, "all")
    assert {labels["pod_uid"] for _, labels, _ in core if "pod_uid" in labels} == {
        labels["pod_uid"] for _, labels, _ in whole if "pod_uid" in labels
    }
    for prefix in ("memcollect_node_", "memcollect_left_out_", "memcollect_agent_"):
        assert {name for name, *_ in core if name.startswith(prefix)} == {
            name for name, *_ in whole if name.startswith(prefix)
        }


def test_the_core_set_leaves_out_pause_containers_and_no_other() -> None:
    def roles(series: Series) -> Counter[str]:
        name = "memcollect_container_working_set_bytes"
        return Counter(labels["role"] for metric, labels, _ in samples(ROOTS, series) if metric == name)

    whole = roles("all")
    assert whole.pop("pause") > 0
    assert roles("core") == whole


@pytest.mark.parametrize("series", SETS)
def test_the_terms_of_either_set_sum_to_the_working_set(series: Series) -> None:
    working_set, composed = Counter[str](), Counter[str]()
    for name, labels, number in samples(ROOTS, series):
        if name == "memcollect_container_working_set_bytes":
            working_set[labels["container_id"]] = int(number)
        if name == "memcollect_container_composition_bytes":
            composed[labels["container_id"]] += int(number)
    assert working_set
    assert composed == working_set


def test_a_full_node_has_as_many_series_as_the_catalogue_says(tmp_path: Path) -> None:
    roots = full_node(tmp_path, 1)
    assert {series: about_pods(samples(roots, series)) for series in SETS} == {
        series: of_node(series, 1) for series in SETS
    }


def test_the_document_says_these_numbers() -> None:
    text = (REPOSITORY / "docs/metrics.md").read_text()
    rows = {
        cells[0]: [int(cell.replace(",", "")) for cell in cells[1:]]
        for line in text.splitlines()
        if re.match(r"\| `(core|all)` \|", line)
        for cells in [[cell.strip().strip("`") for cell in line.strip("|").split("|")]]
    }
    assert rows == {
        series: [per_container(series), per_pod(series), of_node(series, 1), of_node(series, 2)]
        for series in SETS
    }
