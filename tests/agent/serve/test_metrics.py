"""The metrics of the whole program: a process that serves a recorded node, asked as a scraper asks."""

import sys

import pytest

from worlds import children
from worlds.agent_trees import recorded
from worlds.metrics_stage import metered_agent, scrape
from worlds.waiting import wait_until

ROOTS = recorded("systemd-kernel-7.2")


def test_a_scraper_gets_the_nodes_pods_and_the_agents_own_cost() -> None:
    with metered_agent(ROOTS) as port:
        page = scrape(port, Accept="application/openmetrics-text", Accept_Encoding="gzip")
    assert page.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert len(page.raw) * 5 < len(page.text)
    assert page.text.endswith("# EOF\n")
    assert page.text.count("\nmemcollect_container_working_set_bytes{") == 10
    assert (
        page.text.count("memcollect_container_working_set_bytes{")
        == page.text.count("_working_set_bytes{") - 4
    )
    assert 'memcollect_agent_measurements_total{activity="scrape"}' in page.text
    assert "\nmemcollect_container_pss_bytes{" not in page.text


def test_the_port_gives_nothing_but_the_page() -> None:
    with metered_agent(ROOTS) as port:
        for path in ("/", "/v1/sample", "/v1/history", "/healthz"):
            assert scrape(port, path).status == 404


def test_pss_comes_only_when_asked_for() -> None:
    with metered_agent(ROOTS, "--metrics-pss-interval", "3600") as port:
        wait_until(lambda: "\nmemcollect_container_pss_bytes{" in scrape(port).text)
        assert 'memcollect_agent_measurements_total{activity="pss"} 1.0' in scrape(port).text


def test_the_ceiling_can_be_set() -> None:
    with metered_agent(ROOTS, "--metrics-max-containers", "3") as port:
        page = scrape(port).text
    assert page.count("\nmemcollect_pod_current_bytes{") == 1
    assert 'memcollect_left_out_pods{reason="ceiling"} 3.0' in page


def test_the_core_set_is_served_when_asked_for() -> None:
    with metered_agent(ROOTS, "--metrics-series", "core") as port:
        page = scrape(port).text
    assert 'term="droppable"' in page
    assert 'term="hot_cache"' not in page
    assert "memcollect_container_cold_cache_bytes" not in page


def test_pss_for_a_set_that_does_not_have_it_is_wrong_usage() -> None:
    options = ("--metrics-listen", "127.0.0.1:0", "--metrics-series", "core", "--metrics-pss-interval", "60")
    done = children.run([sys.executable, "-m", "memcollect_agent", "serve", *options])
    assert (done.returncode, done.stdout) == (2, "")
    assert "take --metrics-series all, or leave out --metrics-pss-interval" in done.stderr


@pytest.mark.parametrize(("metrics", "loaded"), [("None", "False"), ("asked", "True")])
def test_only_an_agent_that_serves_metrics_loads_their_library(metrics: str, loaded: str) -> None:
    program = (
        "import sys; from memcollect_agent.serve.addresses import Address\n"
        "from memcollect_agent.serve.metrics import MetricsOptions\n"
        "from memcollect_agent.serve.run import Options, started\n"
        "here = Address('127.0.0.1', 0); asked = MetricsOptions(listen=here)\n"
        f"with started(Options(listen=here, health_listen=None, history=None, metrics={metrics})):\n"
        "    print('prometheus_client' in sys.modules)\n"
    )
    done = children.run([sys.executable, "-c", program])
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{loaded}\n", "")


def test_without_the_library_it_says_what_to_install() -> None:
    program = (
        "import importlib.util, sys; from memcollect_agent.serve import metrics; "
        "metrics.find_spec = lambda name: None; "
        "from memcollect_agent.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    command = ["serve", "--health-listen", "off", "--metrics-listen", "127.0.0.1:0"]
    done = children.run([sys.executable, "-c", program, *command])
    assert done.returncode == 1
    assert done.stderr == (
        "memcollect-agent: --metrics-listen needs the package prometheus_client, which is not installed: "
        "install memcollect[agent,metrics], or start the agent without this option\n"
    )


@pytest.mark.parametrize(
    "options",
    [
        ("--metrics-listen", "localhost:7072"),
        ("--metrics-pss-interval", "1"),
        ("--metrics-max-containers", "0"),
        ("--metrics-series", "some"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(options: tuple[str, str]) -> None:
    done = children.run([sys.executable, "-m", "memcollect_agent", "serve", *options])
    assert done.returncode == 2
    assert options[0] in done.stderr
