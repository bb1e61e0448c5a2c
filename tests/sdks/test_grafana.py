"""The dashboard by what Grafana itself publishes: types of its parts; lists of units, calculations, colours.

No server of Grafana's was to be had: this says what Grafana knows of the file, not what it draws.
"""

import copy
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from worlds import children, npm
from worlds.dashboard import dashboard, panels

HERE = Path(__file__).parent / "grafana"
VISIBLE = 2.0
"""The contrast below which a line is hardly seen; a colour on itself has 1."""

Dashboard = dict[str, Any]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the directory with Grafana's packages and what reads them."""
    kept = os.environ.get("MEMCOLLECT_SDKS")
    there = Path(kept).resolve() / "grafana" if kept else tmp_path_factory.mktemp("grafana")
    npm.install(HERE / "package.json", there)
    for name in ("shape.ts", "facts.cjs"):
        shutil.copy(HERE / name, there)
    return there


def bar(document: Dashboard) -> Any:
    """Return the first panel of bars."""
    return next(panel for panel in document["panels"] if panel["type"] == "bargauge")


def lines(document: Dashboard) -> Any:
    """Return the panel of what a pod is made of, which has the most of Grafana's options."""
    return next(panel for panel in document["panels"] if panel.get("repeat"))


def defaults(panel: Dashboard) -> Any:
    return panel["fieldConfig"]["defaults"]


def override(document: Dashboard, what: str) -> Any:
    properties = lines(document)["fieldConfig"]["overrides"][0]["properties"]
    return next(each for each in properties if each["id"] == what)


FAULTS: dict[str, Callable[[Dashboard], object]] = {
    "a key of the dashboard": lambda d: d.update(autorefresh="30s"),
    "a value of the dashboard": lambda d: d.update(schemaVersion="38"),
    "a key of the time": lambda d: d["time"].update(begin="now-1h"),
    "a key of a variable": lambda d: d["templating"]["list"][1].update(includeall=True),
    "a value of a variable": lambda d: d["templating"]["list"][1].update(sort=9),
    "a variable without a value": lambda d: d["templating"]["list"][1].pop("current"),
    "a kind of panel": lambda d: lines(d).update(type="graf"),
    "a key of a panel": lambda d: lines(d).update(gridpos={}),
    "a missing width": lambda d: lines(d)["gridPos"].pop("w"),
    "a key of a query": lambda d: lines(d)["targets"][0].update(legend="{{pod}}"),
    "a value of a query": lambda d: bar(d)["targets"][0].update(instant="true"),
    "a query without expression": lambda d: lines(d)["targets"][0].pop("expr"),
    "an option of bars": lambda d: bar(d)["options"].update(displaymode="basic"),
    "a value of an option of bars": lambda d: bar(d)["options"].update(displayMode="bars"),
    "an option of lines, of bars": lambda d: bar(d)["options"].update(tooltip={"mode": "multi"}),
    "a key of the drawing": lambda d: defaults(lines(d))["custom"].update(fillopacity=70),
    "a value of the drawing": lambda d: defaults(lines(d))["custom"].update(fillOpacity="70"),
    "a key of a field": lambda d: defaults(bar(d)).update(novalue="-"),
    "a value of a threshold": lambda d: defaults(bar(d))["thresholds"]["steps"][1].update(value="0.85"),
    "a mode of thresholds": lambda d: defaults(bar(d))["thresholds"].update(mode="relative"),
    "a way to colour": lambda d: defaults(bar(d)).update(color={"mode": "palette-clasic"}),
    "a link without address": lambda d: defaults(bar(d))["links"][0].pop("url"),
    "the name of an override": lambda d: override(d, "custom.lineWidth").update(id="custom.linewidth"),
    "the value of an override": lambda d: override(d, "custom.lineWidth").update(value="2"),
}


def with_fault(plant: Callable[[Dashboard], object]) -> Dashboard:
    document = copy.deepcopy(dashboard())
    plant(document)
    return document


@pytest.fixture(scope="module")
def complaints(packages: Path) -> dict[str, list[str]]:
    """The compiler's, of the dashboard as it is ("") and with each of the faults: one run for all."""
    documents = {"": dashboard(), **{name: with_fault(plant) for name, plant in FAULTS.items()}}
    files = {f"d{number}.ts": name for number, name in enumerate(documents)}
    for file, name in files.items():
        typed = f"export const dashboard: Dashboard = {json.dumps(documents[name], indent=1)};"
        (packages / file).write_text(f'import type {{ Dashboard }} from "./shape";\n{typed}\n')
    strict = ["--noEmit", "--strict", "--skipLibCheck", "--types", "", "--target", "es2022"]
    modules = ["--module", "nodenext", "--moduleResolution", "nodenext"]
    said = children.run([packages / "node_modules/.bin/tsc", *strict, *modules, *files], cwd=packages)
    found: dict[str, list[str]] = {name: [] for name in documents}
    for line in said.stdout.splitlines():
        match = re.match(r"(d\d+\.ts)\(\d+,\d+\): (.+)", line)
        if match is None:
            # What is indented goes on; anything else is not of a dashboard, and nothing was looked at then.
            assert line.startswith(" "), said.stdout
        else:
            found[files[match[1]]].append(match[2])
    assert said.stderr == ""
    return found


def test_every_key_is_one_that_grafana_knows_and_every_value_of_its_kind(
    complaints: dict[str, list[str]],
) -> None:
    assert complaints[""] == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_dashboard_is_one_for_grafanas_types(
    fault: str, complaints: dict[str, list[str]]
) -> None:
    assert len(complaints[fault]) == 1


def values(part: Any, key: str) -> Iterator[Any]:
    """Return every value of `key`, however deep."""
    if isinstance(part, dict):
        yield from ([part[key]] if key in part else [])
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from values(each, key)


def colours() -> list[str]:
    found = (each for key in ("color", "fixedColor") for each in values(panels(), key))
    return sorted({each for each in found if isinstance(each, str)})


def facts(packages: Path, shown: list[tuple[Dashboard, float]]) -> Any:
    """Return what Grafana's own code says, and how it shows each number by the options of its field."""
    question = json.dumps({"colours": colours(), "shown": shown})
    said = children.run([npm.program("node"), packages / "facts.cjs", question], cwd=packages)
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


def test_units_calculations_and_colours_are_grafanas_and_seen_in_both_its_themes(packages: Path) -> None:
    known = facts(packages, [])
    assert {*values(panels(), "unit")} <= {*known["units"]}
    assert {each for calcs in values(panels(), "calcs") for each in calcs} <= {*known["calculations"]}
    assert known["contrasts"].keys() == {*colours()}
    assert {name: seen for name, seen in known["contrasts"].items() if min(seen) < VISIBLE} == {}


SHOWN: list[tuple[str, float, str, str]] = [
    ("Closest to their limit", 0.32, "32%", "green"),
    ("Closest to their limit", 0.9, "90%", "orange"),
    ("Closest to their limit", 0.97, "97%", "red"),
    ("Grew most in the time shown", 60 * 2**20, "60 MiB", "blue"),
    ("Grew most in the time shown", -60 * 2**20, "-60 MiB", "blue"),
    ("Unexplained", 8 * 2**20, "8 MiB", "green"),
    ("Unexplained", 96 * 2**20, "96 MiB", "orange"),
    ("Alerts that fire", 1, "1", "orange"),
    ("Killed for memory in the time shown", 3, "3", "red"),
    ("Nodes closest to eviction", 0.5, "50%", "green"),
    ("Largest working sets", 3 * 2**30, "3 GiB", "blue"),
    ("Agents that answer", 0, "0", "red"),
    ("Agents that answer", 5000, "5000", "green"),
    ("Nodes that cannot be read", 0, "0", "green"),
    ("Nodes that cannot be read", 1, "1", "red"),
    ("Pods left out", 2, "2", "red"),
]
"""A panel, a number, and how Grafana shows it there."""


def test_numbers_are_shown_in_their_units_and_in_the_colour_of_their_weight(packages: Path) -> None:
    fields = {panel["title"]: defaults(panel) for panel in panels()}
    shown = facts(packages, [(fields[title], number) for title, number, *_ in SHOWN])["shown"]
    assert [tuple(each) for each in shown] == [(text, colour) for *_, text, colour in SHOWN]
    unseen = {panel["title"] for panel in panels() if panel["type"] != "timeseries"} - {s[0] for s in SHOWN}
    assert unseen == set()
