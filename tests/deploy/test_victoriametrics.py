"""VictoriaMetrics' programs with the project's configuration, rules and dashboard: as with Prometheus."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from memcollect_agent.metrics.parts import TERMS
from worlds import children
from worlds.dashboard import asked, targets
from worlds.metrics_stage import REPOSITORY, RULES, Prometheus
from worlds.recorded_metrics import PODS, by_pod, rules_here, targets_of_node
from worlds.scrapers import configuration
from worlds.victoria_stage import database, evaluating, replayed, require_victoria, scraping, store
from worlds.waiting import wait_until

MINUTE = 60


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Prometheus, Prometheus]]:
    """Yield the database, with an agent's numbers and what the rules made of them, and vmalert."""
    require_victoria()
    directory = tmp_path_factory.mktemp("victoria")
    with (
        targets_of_node("--metrics-pss-interval", "10") as scraped,
        database(directory) as server,
        scraping(directory, server, scraped),
        evaluating(server) as alerting,
    ):
        names = [rule["record"] for rule in rules_here() if "record" in rule]
        # One rule after another, each of which reads what the one before has stored.
        wait_until(lambda: all(server.query(name) for name in names), 180)
        wait_until(lambda: len(server.query("namespace_pod:memcollect_pss_bytes:sum")) == len(PODS))
        yield server, alerting


def test_vmagent_takes_the_configuration_with_its_discovery(tmp_path: Path) -> None:
    require_victoria()
    file = tmp_path / "vmagent.yml"
    file.write_text(yaml.safe_dump(configuration("VictoriaMetrics")))
    check = ["vmagent", f"-promscrape.config={file}", "-promscrape.config.dryRun"]
    assert children.run(check).returncode == 0
    file.write_text(file.read_text().replace("role: pod", "roles: pod"))
    assert children.run(check).returncode != 0


def test_the_document_starts_vmalert_with_all_that_it_needs() -> None:
    require_victoria()
    (command,) = re.findall(r"`(vmalert [^`]+)`", (REPOSITORY / "docs/metrics.md").read_text())
    options = [word.replace("deploy/prometheus/rules.yaml", str(RULES)) for word in command.split()]
    done = children.run([*options, "-dryRun"])
    assert (done.returncode, "error" in done.stderr) == (0, False)
    named = {option.partition("=")[0] for option in options[1:]}
    assert named == {"-rule", "-datasource.url", "-remoteWrite.url", "-notifier.url"}


def test_pods_have_their_names_a_composition_that_adds_up_and_the_kubelets_number(
    running: tuple[Prometheus, Prometheus],
) -> None:
    server, _ = running
    working_set = by_pod(server.query("namespace_pod:memcollect_working_set_bytes:sum"))
    assert sorted(working_set) == PODS
    composed = server.query("sum by (namespace, pod) (namespace_pod:memcollect_composition_bytes:sum)")
    assert by_pod(composed) == working_set
    terms = server.query("count by (term) (namespace_pod:memcollect_composition_bytes:sum)")
    assert {labels["term"] for labels, _ in terms} <= set(TERMS)
    gap = server.query("namespace_pod:memcollect_kubelet_gap_bytes:sum")
    assert by_pod(gap) == dict.fromkeys(PODS, 0.0)


def test_vmalert_evaluates_every_rule_without_an_error_and_none_fires(
    running: tuple[Prometheus, Prometheus],
) -> None:
    server, alerting = running
    rules = [rule for group in alerting.ask("rules")["groups"] for rule in group["rules"]]
    assert len(rules) == len(rules_here())
    assert [(rule["name"], rule["lastError"]) for rule in rules if rule["health"] != "ok"] == []
    assert server.query("ALERTS") == []


def test_every_panels_query_is_answered(running: tuple[Prometheus, Prometheus]) -> None:
    server, _ = running
    rare = re.compile("memcollect_agent_problems_total|ALERTS|oom_kills")
    queries = [asked(target["expr"], pods=".+", shown="20s") for target in targets()]
    old_enough = [expr for expr in queries if "offset" not in expr and not rare.search(expr)]
    wait_until(lambda: all(server.query(expr) for expr in old_enough))


def test_old_kills_under_a_new_agent_are_no_new_ones(tmp_path: Path) -> None:
    """Its increase() takes a series that begins with 3 for one that rose to 3: every rollout was an alert."""
    require_victoria()
    ended = int(time.time()) // MINUTE * MINUTE - 60 * MINUTE
    began = ended - 60 * MINUTE
    moments = range(began, ended, 30)

    def kills(uid: str, instance: str, numbers: dict[int, int]) -> list[str]:
        who = f'pod_uid="{uid}",qos="Burstable",instance="{instance}"'
        return [f"memcollect_pod_oom_kills_total{{{who}}} {n} {at * 1000}" for at, n in numbers.items()]

    replaced, killed = began + 20 * MINUTE, began + 40 * MINUTE
    lines = [
        *kills("old", "a", {at: 3 for at in moments if at < replaced}),
        *kills("old", "b", {at: 3 for at in moments if at >= replaced}),
        *kills("new", "a", {at: 3 + (at >= killed) for at in moments}),
    ]
    for uid in ("old", "new"):
        lines += [
            f'kube_pod_info{{namespace="shop",pod="{uid}",uid="{uid}"}} 1 {at * 1000}' for at in moments
        ]
    needed = {"pod_uid:memcollect_names:info", "pod_uid:memcollect_oom_kills:max"}
    rules = [
        rule
        for rule in rules_here()
        if rule.get("record") in needed or rule.get("alert") == "MemcollectKilledForMemory"
    ]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "kills", "rules": rules}]}))
    with database(tmp_path) as server:
        store(server, lines)
        replayed(server, tmp_path / "rules.yaml", began, ended)
        answer = server.ask(
            "query_range",
            query='ALERTS{alertstate="firing"}',
            start=str(began),
            end=str(ended),
            step="30",
        )
    fired = {(one["metric"]["pod"], int(at)) for one in answer["result"] for at, _ in one["values"]}
    assert {pod for pod, _ in fired} == {"new"}
    assert min(at for _, at in fired) in range(killed, killed + 2 * MINUTE)
