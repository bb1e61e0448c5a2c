"""What `memcollect node` says of the situations that are about a whole node, in its first two sentences."""

import pytest

from memcollect.documents.snapshot import NodeAccount, Snapshot
from worlds.reported_cases import EVERYTHING, told, told_of_nodes

NODE_CASES = ("07-dind-escape", "11-node-vs-pods", "32-orphan-pods", "48-qos-leftover")


def account(case: str) -> NodeAccount:
    (only,) = told_of_nodes(case).snapshot.accounts
    return only


def first_sentences(case: str) -> str:
    first, second, *_ = account(case).verdict.split(". ")
    return f"{first}. {second}."


def test_07_containers_of_a_docker_in_a_pod_are_found_and_tied_to_it() -> None:
    said = first_sentences("07-dind-escape")

    assert "601 MiB is a container outside of Kubernetes, started by a process of pod team/dind:" in said
    (finding,) = [each for each in account("07-dind-escape").findings if each.severity == "warning"]
    assert (finding.cause, finding.estimate_bytes) == ("outside_containers", 630194176)


def test_11_the_kubelets_number_stands_beside_frees_and_the_active_cache_between_them() -> None:
    said = first_sentences("11-node-vs-pods")

    assert "5720 MiB is system services (containerd.service 5320 MiB)" in said
    assert "1501 MiB is charged to 3 pods" in said
    assert "The kubelet counts 7954 MiB as used (50 %), while free calls 12.3 GiB available (79 %)" in said
    assert "5762 MiB of it is active page cache, which goes under pressure" in said


def test_11_kubectl_top_node_is_reconciled_by_the_agents_history() -> None:
    top = account("11-node-vs-pods").top

    assert top is not None
    assert (top.status, top.memory_bytes) == ("reconciled", 8339963904)
    assert top.working_set_at_sample_bytes == 8339963904


def test_32_pods_that_the_api_does_not_have_are_named_with_their_processes() -> None:
    said = first_sentences("32-orphan-pods")

    assert "4531 MiB is held by 3 cgroups of pods that the API server does not know" in said
    assert account("32-orphan-pods").verdict.count("4531 MiB") == 1
    assert "with processes that still run" in said
    orphans = [each for each in account("32-orphan-pods").holders if each.kind == "orphan"]
    assert [each.bytes for each in orphans] == [1583534080] * 3
    assert all("old" in {process.comm for process in each.processes} for each in orphans)


def test_48_what_deleted_pods_left_in_their_class_is_named_by_kind() -> None:
    said = first_sentences("48-qos-leftover")

    assert account("48-qos-leftover").verdict.count("5488 MiB") == 1
    assert "5488 MiB is charged to" in said
    assert (
        "left by pods that were deleted (3072 MiB tmpfs, 2416 MiB kernel memory)"
        in account("48-qos-leftover").verdict
    )
    assert "5,000 removed cgroups" in account("48-qos-leftover").verdict


@pytest.mark.parametrize("case", NODE_CASES)
def test_nothing_is_guessed_where_the_kernel_says_little(case: str) -> None:
    for partition in (account(case).kinds, account(case).owners):
        assert partition is not None
        owned = sum(term.estimate_bytes for term in partition.terms)
        assert owned + partition.residual.estimate_bytes == partition.whole_bytes
        assert partition.residual.within_bound or partition.undecided


@pytest.mark.parametrize("case", NODE_CASES)
def test_the_report_shows_the_verdict(case: str) -> None:
    assert " ".join(account(case).verdict.split()) in told_of_nodes(case).words
    assert told_of_nodes(case).code == 0


def test_a_snapshot_with_nodes_has_the_same_section_beside_its_pods() -> None:
    said = told("32-orphan-pods", *EVERYTHING, "--nodes")

    (told_with_pods,) = said.snapshot.accounts
    assert told_with_pods.verdict == account("32-orphan-pods").verdict
    assert [pod.name for pod in said.snapshot.pods] == ["web-0"]
    assert "4531 MiB is held by 3 cgroups of pods that the API server does not know" in said.words


def test_a_pod_that_was_asked_for_is_told_of_without_the_node() -> None:
    snapshot: Snapshot = told("11-node-vs-pods").snapshot

    assert snapshot.accounts == []
