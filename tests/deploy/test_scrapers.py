"""The configurations in docs/metrics.md for what is not Prometheus; test_victoriametrics.py runs one."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from worlds import manifests
from worlds.metrics_stage import REPOSITORY, RULES, promtool
from worlds.scrapers import configuration

PROGRAMS = ("VictoriaMetrics", "Thanos", "OpenTelemetry Collector")


def as_prometheus_has_it(program: str) -> dict[str, Any]:
    """Return what of the configuration is in Prometheus' own language."""
    read = configuration(program)
    scraped: dict[str, Any] = read["receivers"]["prometheus"]["config"] if "receivers" in read else read
    return scraped


@pytest.mark.parametrize("program", PROGRAMS)
def test_promtool_takes_all_but_the_discovery(tmp_path: Path, program: str) -> None:
    """Debian builds Prometheus without Kubernetes' discovery; the test below looks at that part."""
    shutil.copy(RULES, tmp_path / "rules.yaml")
    read = as_prometheus_has_it(program)
    for job in read["scrape_configs"]:
        del job["kubernetes_sd_configs"]
        job["static_configs"] = [{"targets": ["127.0.0.1:7072"]}]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(read))
    assert "SUCCESS" in promtool("check", "config", str(tmp_path / "prometheus.yml"))


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_scrapes_the_agents_port_and_says_of_which_node(program: str) -> None:
    (job,) = as_prometheus_has_it(program)["scrape_configs"]
    monitored = manifests.read("overlays/prometheus/podmonitor.yaml")[0]
    (pods,) = job["kubernetes_sd_configs"]
    assert pods == {"role": "pod", "namespaces": {"names": [monitored["metadata"]["namespace"]]}}
    (name,) = monitored["spec"]["selector"]["matchLabels"].values()
    (endpoint,) = monitored["spec"]["podMetricsEndpoints"]
    keep, node = job["relabel_configs"]
    assert (keep["action"], keep["regex"]) == ("keep", f"{name};{endpoint['port']}")
    assert (node["source_labels"], node["target_label"]) == (["__meta_kubernetes_pod_node_name"], "node")
    assert job["scrape_interval"] == endpoint["interval"]


def test_replicas_tell_alertmanager_the_same_alert() -> None:
    read = configuration("Thanos")
    (dropped,) = read["alerting"]["alert_relabel_configs"]
    assert dropped["action"] == "labeldrop"
    labels = read["global"]["external_labels"].keys()
    assert [label for label in labels if re.fullmatch(dropped["regex"], label)] == ["replica"]
    assert "cluster" in labels


def test_the_collectors_pipeline_has_only_parts_that_are_defined_and_no_dollar() -> None:
    read = configuration("OpenTelemetry Collector")
    for pipeline in read["service"]["pipelines"].values():
        for kind in ("receivers", "exporters"):
            assert pipeline[kind]
            assert set(pipeline[kind]) <= read[kind].keys()
    assert "$" not in yaml.safe_dump(read)


def test_the_document_says_which_programs_were_not_run() -> None:
    text = (REPOSITORY / "docs/metrics.md").read_text()
    assert "Thanos and the Collector themselves were not run" in text
