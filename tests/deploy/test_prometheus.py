"""A real Prometheus scrapes a real agent; the rules and the dashboard are held to what it stores."""

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from memcollect_agent.metrics.catalogue import CATALOGUE
from memcollect_agent.metrics.parts import TERMS
from worlds.dashboard import asked, dashboard, panels, targets
from worlds.metrics_stage import REPOSITORY, RULES, Prometheus, prometheus, promtool, require_prometheus
from worlds.recorded_metrics import PODS, by_pod, rules_here, targets_of_node
from worlds.waiting import wait_until

OF_THE_OPERATOR = REPOSITORY / "deploy/overlays/prometheus/prometheusrule.yaml"


SETTLED = (
    ("namespace_pod:memcollect_kubelet_gap_bytes:sum", len(PODS)),
    ("namespace_pod:memcollect_working_set_bytes:sum", len(PODS)),
    # Rates need two scrapes, and not of one page.
    ("rate(memcollect_agent_measurements_total[1m]) > 0", 1),
    # What grew needs the number of a second ago.
    ("namespace_pod_container:memcollect_lasting_bytes:diff offset 1s", len(PODS)),
)


@contextlib.contextmanager
def node(directory: Path, *options: str) -> Iterator[Prometheus]:
    """Have Prometheus scrape an agent with these options, and what it joins with."""
    require_prometheus()
    with targets_of_node(*options) as scraped, prometheus(directory, scraped) as server:
        yield server


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with node(tmp_path_factory.mktemp("prometheus"), "--metrics-pss-interval", "10") as server:
        names = [rule["record"] for rule in rules_here() if "record" in rule]
        server.wait_for(
            *SETTLED,
            *((name, 1) for name in names),
            ("namespace_pod:memcollect_pss_bytes:sum", len(PODS)),
        )
        yield server


def last_errors(server: Prometheus) -> list[str]:
    return [target["lastError"] for target in server.ask("targets")["activeTargets"]]


def test_the_scrape_is_taken_whole_as_openmetrics_with_help_and_type(running: Prometheus) -> None:
    assert running.query('up{job="memcollect"}')[0][1] == 1
    for spec in CATALOGUE:
        name = f"{spec.name}_total" if spec.kind == "counter" else spec.name
        # In OpenMetrics a counter's family has the name without the suffix.
        (known,) = running.ask("metadata", metric=spec.name)[spec.name]
        assert (known["type"], known["help"], known["unit"]) == (spec.kind, spec.help, spec.unit), name
    # One that came too late on a busy machine is an error until the next.
    wait_until(lambda: last_errors(running) == ["", "", ""])


def test_no_sample_was_refused(running: Prometheus) -> None:
    for kind in ("duplicate_timestamp", "out_of_order", "out_of_bounds"):
        assert running.query(f"prometheus_target_scrapes_sample_{kind}_total or vector(0)")[0][1] == 0


def test_every_pod_has_its_name_and_a_composition_that_sums_to_its_working_set(running: Prometheus) -> None:
    working_set = by_pod(running.query("namespace_pod:memcollect_working_set_bytes:sum"))
    assert sorted(working_set) == PODS
    composed = by_pod(
        running.query("sum by (namespace, pod) (namespace_pod:memcollect_composition_bytes:sum)")
    )
    assert composed == working_set
    terms = running.query("count by (term) (namespace_pod:memcollect_composition_bytes:sum)")
    assert {labels["term"] for labels, _ in terms} <= set(TERMS)


def test_our_number_is_the_kubelets_of_the_same_moment(running: Prometheus) -> None:
    kubelet = by_pod(running.query("namespace_pod:memcollect_kubelet_working_set_bytes:sum"))
    assert kubelet[("deer-flow", "sandbox-b")] == 112590848 + 29691904
    assert by_pod(running.query("namespace_pod:memcollect_kubelet_gap_bytes:sum")) == dict.fromkeys(PODS, 0.0)


def test_all_rules_are_evaluated_without_an_error(running: Prometheus) -> None:
    rules = [rule for group in running.ask("rules")["groups"] for rule in group["rules"]]
    assert len(rules) > 10
    assert [(rule["name"], rule.get("lastError", "")) for rule in rules if rule["health"] != "ok"] == []
    recorded_names = [rule["name"] for rule in rules if rule["type"] == "recording"]
    assert [name for name in recorded_names if not running.query(name)] == []
    assert running.query("ALERTS") == []


def test_the_rules_say_of_made_up_clusters_what_they_should() -> None:
    promtool("check", "rules", str(RULES))
    tests = sorted(str(path) for path in RULES.parent.glob("*.test.yaml"))
    assert promtool("test", "rules", *tests).count("SUCCESS") == len(tests) == 2


def test_the_operators_rules_are_the_same_rules() -> None:
    assert yaml.safe_load(OF_THE_OPERATOR.read_text())["spec"] == yaml.safe_load(RULES.read_text())


def test_rules_and_dashboard_use_only_metrics_that_someone_gives() -> None:
    given = {f"{spec.name}_total" if spec.kind == "counter" else spec.name for spec in CATALOGUE}
    rules = rules_here()
    given |= {rule["record"] for rule in rules if "record" in rule}
    used = [rule["expr"] for rule in rules] + [target["expr"] for target in targets()]
    names = set(re.findall(r"[a-z_]+:memcollect_\w+:\w+|\bmemcollect_\w+(?![:\w])", " ".join(used)))
    assert names - given == set()
    assert len(names) > 15


# ---- the dashboard, as Grafana's model has it ----


CHOSEN = "(sandbox-a|sandbox-b)"
"""As Grafana writes two values of a variable into a query."""


def unanswered(server: Prometheus) -> set[str]:
    """Return the queries of panels that are answered with nothing."""
    return {target["expr"] for target in targets() if not server.query(asked(target["expr"], pods=CHOSEN))}


def test_every_panels_query_is_answered_with_data(running: Prometheus) -> None:
    # Nothing went wrong, no alert fires and nobody was killed.
    rare = re.compile("memcollect_agent_problems_total|ALERTS|oom_kills")
    assert {expr for expr in unanswered(running) if not rare.search(expr)} == set()


def test_with_the_core_set_only_the_panels_that_say_so_stay_empty(
    running: Prometheus, tmp_path: Path
) -> None:
    with node(tmp_path, "--metrics-series", "core") as server:
        server.wait_for(*SETTLED)
        empty = unanswered(server) - unanswered(running)
    # Only a pass over processes counts them.
    empty = {expr for expr in empty if "memcollect_agent_processes_total" not in expr}
    say = [panel for panel in panels() if "--metrics-series all" in panel.get("description", "")]
    by_panel = [empty & {target["expr"] for target in panel["targets"]} for panel in say]
    assert [len(each) for each in by_panel] == [1, 1]
    assert empty == set().union(*by_panel)


def test_the_variables_offer_what_is_there(running: Prometheus) -> None:
    for variable in dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            match = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
            assert match is not None
            values = running.ask(f"label/{match[2]}/values", **{"match[]": asked(match[1])})
            assert values == sorted(
                {namespace if match[2] == "namespace" else pod for namespace, pod in PODS}
            )


def test_the_dashboard_parses_without_a_server(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{n}", "expr": asked(target["expr"])} for n, target in enumerate(targets())]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", str(tmp_path / "rules.yml"))


def test_the_dashboard_is_one_that_grafana_can_import() -> None:
    document = dashboard()
    assert {"uid", "title", "schemaVersion", "panels", "templating", "time", "version"} <= document.keys()
    assert "id" not in document, "an id of another Grafana's database"
    assert "__inputs" not in document, "a variable names the data source"
    assert document["schemaVersion"] >= 36
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,40}", document["uid"])
    ids = [panel["id"] for panel in document["panels"]]
    assert len(ids) == len(set(ids))
    names = [variable["name"] for variable in document["templating"]["list"]]
    used = set(re.findall(r"\$\{?([a-z]\w*)", json.dumps(document)))
    assert names == ["datasource", "namespace", "pod"]
    assert used == set(names)


def test_every_legend_and_link_names_labels_that_the_answer_has(running: Prometheus) -> None:
    for panel in panels():
        links = " ".join(link["url"] for link in panel["fieldConfig"]["defaults"].get("links", []))
        linked = set(re.findall(r"__field\.labels\.(\w+)", links))
        for target in panel["targets"]:
            named = linked | set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")))
            for labels, _ in running.query(asked(target["expr"], pods=CHOSEN)):
                assert named <= labels.keys(), (panel["title"], target["expr"])


def test_a_link_opens_this_dashboard_with_variables_that_it_has() -> None:
    names = {variable["name"] for variable in dashboard()["templating"]["list"]}
    links = [link["url"] for panel in panels() for link in panel["fieldConfig"]["defaults"].get("links", [])]
    assert links
    for url in links:
        assert url.startswith(f"/d/{dashboard()['uid']}?")
        assert set(re.findall(r"[?&]var-(\w+)=", url)) == names


def test_colours_by_thresholds_are_the_dashboards_own() -> None:
    """Without them Grafana colours bars and numbers red from 80 on: bytes, and how many agents there are."""
    for panel in panels():
        if panel["type"] == "timeseries":
            continue
        defaults = panel["fieldConfig"]["defaults"]
        if defaults.get("color") != {"mode": "fixed", "fixedColor": "blue"}:
            first, *others = [step["value"] for step in defaults["thresholds"]["steps"]]
            assert first is None
            assert others == sorted(others)


def test_no_panel_is_repeated_for_every_pod_of_a_fleet() -> None:
    """With «All» Grafana would draw thirty thousand, and write their names into each query."""
    variables = {variable["name"]: variable for variable in dashboard()["templating"]["list"]}
    repeated = {panel["repeat"] for panel in panels() if "repeat" in panel}
    assert repeated
    assert not any(variables[name]["includeAll"] for name in repeated)
    assert all(each["allValue"] == ".+" for each in variables.values() if each.get("includeAll"))


def test_a_panel_that_may_be_empty_says_why() -> None:
    zeros = "or vector(0)"
    for panel in panels():
        if not all(zeros in target["expr"] for target in panel["targets"]):
            assert panel["fieldConfig"]["defaults"]["noValue"], panel["title"]


def test_every_panel_is_whole() -> None:
    for panel in panels():
        assert panel["type"] in {"timeseries", "stat", "bargauge"}
        assert panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in {"bytes", "s", "percentunit", "none", "cps"}
        assert panel["fieldConfig"].keys() == {"defaults", "overrides"}
        references = [target["refId"] for target in panel["targets"]]
        assert references
        assert len(references) == len(set(references))
        for target in (panel, *panel["targets"]):
            assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_panels_lie_within_the_grid_and_not_on_one_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        at = panel["gridPos"]
        assert at["x"] >= 0
        assert at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


def test_the_composition_is_stacked_and_the_number_of_kubectl_top_is_not() -> None:
    (composition,) = [panel for panel in panels() if panel.get("repeat") == "pod"]
    assert composition["fieldConfig"]["defaults"]["custom"]["stacking"]["mode"] == "normal"
    lines = {
        override["matcher"]["options"]: {p["id"]: p["value"] for p in override["properties"]}
        for override in composition["fieldConfig"]["overrides"]
    }
    legends = {target["legendFormat"] for target in composition["targets"]}
    assert legends == {"{{term}}", *lines}
    assert all(one["custom.stacking"]["mode"] == "none" for one in lines.values())
