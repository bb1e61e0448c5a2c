"""What the working set is made of and what of it would go, told of situations that people reported."""

import pytest

from collector.reporters.test_contradictions import contradictions
from memcollect.reporters import markdown
from memcollect.units import MIB
from worlds.read_reports import Row, in_markdown
from worlds.reported_cases import told
from worlds.verdicts_page import SERVED, tell


def test_rests_of_split_huge_pages_are_no_process_s_memory_and_go_under_pressure() -> None:
    """Case 03: 2.4 GB of a pod whose processes have 209 MiB."""
    verdict = told("03-thp-split-queue").verdict()

    assert verdict.startswith("2228 MiB of 2438 MiB is rests of split huge pages, which no process maps")
    assert "209 MiB is private memory of gateway (PID 100)" in verdict


def test_file_names_made_and_deleted_are_told_with_their_remedy() -> None:
    said = told("04-dentry-growth")

    assert "474 MiB of 498 MiB is the kernel's cache of file names and inodes" in said.verdict("exporter-b")
    assert "up to 476 MiB with what can be dropped" in said.verdict("exporter-b")
    (finding,) = said.findings("slab_reclaimable", "exporter-b")
    assert "make and delete files under ever new names" in finding.remedy
    assert "file names and inodes (dentries)" in finding.sentence


def test_cache_that_is_not_written_is_not_called_droppable_and_the_disk_is_the_remedy() -> None:
    said = told("05-dirty-cache-nfs")

    assert "(2000 MiB of it is page cache that must be written out first)" in said.verdict("fetch-x")
    assert said.verdict("fetch-x").count("2000 MiB") == 1
    assert all("Write more slowly" in each.remedy for each in said.findings("near_limit", "fetch-x"))


def test_a_container_that_kubernetes_does_not_know_is_in_the_verdict_once() -> None:
    verdict = told("08-cgroup-parent").verdict()

    assert "257 MiB more is charged to this pod by a container that Kubernetes does not know" in verdict
    assert verdict.count("257 MiB") == 1


def test_a_peak_that_was_the_limit_is_its_evidence() -> None:
    said = told("20-child-oom")

    assert "its own limit of 512 MiB was reached." in said.verdict()
    assert "memory.peak 536870912" in said.findings("oom_kill")[0].evidence


def test_huge_pages_are_told_where_they_are_most_of_it() -> None:
    assert (
        "1662 MiB of its private memory is in huge pages, of which one used byte holds all (this node makes"
        " them always)."
    ) in told("21-thp-bloat").verdict()


def test_hugetlb_is_in_verdict_and_table() -> None:
    said = told("22-hugepages")

    assert (
        "2048 MiB more is huge pages (hugetlb), which neither kubectl top nor the memory limit counts."
        in (said.verdict())
    )
    (shown,) = in_markdown(markdown.render(said.snapshot, details="all"))
    assert Row("+ huge pages (hugetlb)", 2048 * MIB, "beside the charge") in shown.rows


def test_a_swap_that_is_full_and_what_is_in_it_are_in_the_verdict() -> None:
    verdict = told("28-swap-zswap").verdict("swap-0")

    assert "Its swap limit is reached: 600 MiB of 600 MiB" in verdict
    assert "600 MiB more is in swap" in verdict
    assert "122 MiB is kernel memory, which stays (mostly compressed swap)" in (
        told("28-swap-zswap").verdict("zswap-0")
    )


def test_counters_that_do_not_fit_each_other_are_not_taken_apart() -> None:
    verdict = told("41-inactive-above-usage").verdict()

    assert verdict.startswith("The working set is 0 B, though memory.stat counts 1000 MiB")
    assert "of 0 B is" not in verdict


def test_a_throttled_pod_is_told_to_be_throttled() -> None:
    verdict = told("44-memory-high-throttle").verdict()

    assert "All of its processes waited for memory 97 % of the last 10 s (PSI full" in verdict
    assert "memory.high of 440 MiB was exceeded 1834022 times" in verdict
    assert "51.8 MiB is left to its limit of 512 MiB." in verdict


def test_a_large_residual_is_in_the_verdict_although_the_kernel_allows_it() -> None:
    assert "60 MiB of it has no name in memory.stat: the kernel's bookkeeping may be that much here" in (
        told("50-many-cpus").verdict("unnamed-60")
    )


def test_a_broken_counter_is_no_amount() -> None:
    assert all("TiB" not in pod.verdict for pod in tell("v05-files").snapshot.pods)
    assert any("the counter is broken" in pod.verdict for pod in tell("v05-files").snapshot.pods)


@pytest.mark.parametrize("case", SERVED)
def test_no_page_contradicts_itself(case: str) -> None:
    page = markdown.render(tell(case).snapshot, details="all")

    assert [fault for shown in in_markdown(page) for fault in contradictions(shown)] == []
