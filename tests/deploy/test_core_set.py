"""What of the rules and the dashboard works with the core set of series alone; what does not, says so."""

import re
from typing import Any

import yaml

from memcollect_agent.metrics.catalogue import CATALOGUE, Series
from memcollect_agent.metrics.parts import CORE_TERMS, TERMS
from worlds.dashboard import panels
from worlds.metrics_stage import REPOSITORY, RULES

NEEDS_ALL = "memcollect-whole-set"
"""The group of the rules that are empty with the core set."""
GROUPS: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"]
RECORDED: dict[str, str] = {
    rule["record"]: rule["expr"] for group in GROUPS for rule in group["rules"] if "record" in rule
}
OUR_NAME = re.compile(r"[a-z_]+:memcollect_\w+:\w+|\bmemcollect_\w+(?![:\w])")


def given(series: Series) -> set[str]:
    specs = [spec for spec in CATALOGUE if spec.within(series)]
    return {f"{spec.name}_total" if spec.kind == "counter" else spec.name for spec in specs}


def read(expr: str) -> set[str]:
    """Return the agents' own metrics that `expr` reads, through the rules that it is made of, too."""
    names = set(OUR_NAME.findall(expr))
    through = [read(RECORDED[name]) for name in names if name in RECORDED]
    return (names - RECORDED.keys()).union(*through)


def rules() -> list[tuple[str, str, str]]:
    """Return group, name and expression of every rule."""
    return [
        (group["name"], rule.get("record") or rule["alert"], rule["expr"])
        for group in GROUPS
        for rule in group["rules"]
    ]


def test_only_the_rules_of_one_group_need_the_whole_set() -> None:
    need = {name for _, name, expr in rules() if not read(expr) <= given("core")}
    assert need == {name for group, name, _ in rules() if group == NEEDS_ALL}
    assert all(read(expr) <= given("all") for *_, expr in rules())


def test_every_alert_works_with_the_core_set() -> None:
    alerts = [expr for _, name, expr in rules() if name.startswith("Memcollect")]
    assert len(alerts) > 8
    assert all(read(expr) and read(expr) <= given("core") for expr in alerts)


def test_a_panel_that_needs_the_whole_set_says_so_and_no_other_does() -> None:
    need = {p["title"] for p in panels() for t in p["targets"] if not read(t["expr"]) <= given("core")}
    say = {p["title"] for p in panels() if "--metrics-series all" in p.get("description", "")}
    assert need == say
    assert need


def test_what_asks_for_terms_by_name_asks_for_those_of_both_sets() -> None:
    """A term of one set alone would make an alert that is silent with the other."""
    asked = [
        set(value.split("|"))
        for expr in [*(expr for *_, expr in rules()), *(t["expr"] for p in panels() for t in p["targets"])]
        for value in re.findall(r'\bterm=~?"([^"]+)"', expr)
    ]
    assert asked
    assert all(terms & set(CORE_TERMS) and terms & set(TERMS) for terms in asked)
    assert set().union(*asked) <= {*CORE_TERMS, *TERMS}


def test_the_document_names_the_rules_that_need_the_whole_set_and_every_alert() -> None:
    text = (REPOSITORY / "docs/metrics.md").read_text()
    (sentence,) = re.findall(r"^Empty with the core set: (.+?)\.$", text, re.MULTILINE | re.DOTALL)
    need = {name for group, name, _ in rules() if group == NEEDS_ALL}
    assert set(re.findall(r"`([^`]+)`", sentence)) == need
    alerts = {name for _, name, _ in rules() if name.startswith("Memcollect")}
    assert alerts <= set(re.findall(r"`(\w+)`", text))
