"""docs/causes.md names every cause that an explanation can name, and no other."""

import re
from pathlib import Path

from memcollect.explain.causes.pods import POD_RULES
from memcollect.explain.findings import rules_for_container
from memcollect.explain.holder import PROCESSES
from memcollect.explain.node.findings import EvictionRule, rules_for_node

ROOT = Path(__file__).parents[3]
SOURCES = ROOT / "collector/memcollect/explain"
_LITERAL = re.compile(r'cause=(?:\n\s*)?"(\w+)"(?: if \w+ else "(\w+)")?')
_OF_A_HELPER = re.compile(r'_finding\(\s*"(\w+)"')
_ROW = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \|", re.MULTILINE)


def causes_in_code() -> set[str]:
    rules = {rule.cause for rule in (*rules_for_container(PROCESSES), *POD_RULES, *rules_for_node([], None))}
    rules.add(EvictionRule.cause)
    texts = [path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.py")]
    literal = {cause for text in texts for pair in _LITERAL.findall(text) for cause in pair if cause}
    return rules | literal | {cause for text in texts for cause in _OF_A_HELPER.findall(text)}


def causes_in_the_docs() -> list[str]:
    page = (ROOT / "docs/causes.md").read_text(encoding="utf-8")
    return [cause for row in _ROW.findall(page) for cause in re.findall(r"`(\w+)`", row)]


def test_the_page_names_every_cause_once() -> None:
    told = causes_in_the_docs()

    assert len(told) > 50
    assert sorted(told) == sorted(causes_in_code())
