"""kubectl top held to evidence."""

import pytest

from worlds.reported_cases import Told, told


def top(said: Told, pod: str = "") -> tuple[str, str]:
    found = said.pod(pod).top
    assert found is not None
    return found.status, f"{found.detail} {found.remark}"


def test_a_name_listed_twice_is_not_reconciled_and_named() -> None:
    said = told("01-sts-recreated")

    assert top(said, "redis-1")[0] == "unexplained"
    assert "container redis is listed twice (906 MiB and 900 MiB)" in said.verdict("redis-1")
    assert "more than its cgroup ever held" in said.verdict("redis-0")
    assert "may hold an earlier pod of its name" in said.verdict("redis-0")


def test_an_entry_without_a_name_is_the_pods_total() -> None:
    said = told("02-nameless-container")

    assert said.pod().top is not None
    assert top(said)[0] == "reconciled"
    assert "it adds up an entry without a name, too, which is the sum of the others" in said.verdict()


def test_a_pod_whose_init_container_runs_is_told_why_kubectl_top_has_nothing() -> None:
    assert "metrics-server lists running pods only" in told("06-init-running").verdict()


def test_the_rss_of_the_launcher_is_recognised_and_the_number_called_wrong() -> None:
    said = told("13-cri-launcher-rss")

    for pod in ("coredns-0", "etcd-0"):
        assert ", the RSS of process" in said.verdict(pod)
        assert "(launcher) alone" in said.verdict(pod)


@pytest.mark.parametrize("pod", ["w-0", "pair-0"])
def test_an_adapters_sum_is_no_sandbox(pod: str) -> None:
    status, detail = top(told("36-adapter-sums-all"), pod)

    assert status == "unexplained"
    assert "sandbox" not in detail
    assert "more than its cgroup ever held" in told("36-adapter-sums-all").verdict(pod)
    others = {"w-0": "w-1 and w-2 have", "pair-0": "container b has"}
    assert f"{others[pod]} the same number" in told("36-adapter-sums-all").verdict(pod)


def test_unequal_numbers_of_gvisor_are_no_split() -> None:
    verdict = told("46-gvisor-cri-per-container").verdict()

    assert "divided equally" not in verdict
    assert "unequal, so no split of the Sentry's total" in verdict


def test_a_stale_number_says_since_when_and_a_container_that_is_never_listed_is_not_late() -> None:
    said = told("49-metrics-stale")

    assert "has no newer sample than that of" in said.verdict("old-0")
    assert "container b, which has been running for 3 days" in said.verdict("half-0")


def test_a_difference_of_three_quarters_is_not_reconciled() -> None:
    assert top(told("50-many-cpus"), "top-wrong")[0] == "undecided"
    assert "30 MiB more (75%)" in told("50-many-cpus").verdict("top-wrong")


def test_a_number_that_no_node_can_hold_is_no_sandboxs() -> None:
    said = told("v01-quantities")

    for pod in ("q08", "q12"):
        assert top(said, pod)[0] == "unexplained"
        assert "more than the node has" in said.verdict(pod)
    assert top(said, "q07")[0] == "no-metrics"


def test_a_container_restarted_after_the_sample_is_named() -> None:
    assert "before its restart" in top(told("40-restart-stale-top"), "one-0")[1]
    assert (
        "container app: the sample is of the container before"
        in top(told("40-restart-stale-top"), "two-0")[1]
    )


def test_a_sentence_on_kubectl_tops_number_names_the_number_that_kubectl_top_shows() -> None:
    verdict = told("02-nameless-container").verdict()

    assert "kubectl top shows 54 MiB: " in verdict
    assert verdict.count("kubectl top shows") == 1
