"""The panels that a tired engineer sees first, over a made-up cluster: who is near its limit, what grew,
what nobody can explain, and what has gone wrong already."""

from pathlib import Path
from typing import Any

import pytest

from worlds.dashboard import asked, panels
from worlds.made_up_cluster import hold_to, ids, pod

MINUTES = 120
YOUNG = "_x89 "
"""Not there for the first hour and a half."""


def container(number: int, name: str, **series: str) -> list[dict[str, str]]:
    return pod(number, name, f"1x{MINUTES}", **series)


CLUSTER = [
    # 300 MB of which 100 can be dropped, a million more each minute, and 90 MB that no counter names.
    *container(
        1,
        "grows",
        working_set=f"300000000+1000000x{MINUTES}",
        droppable=f"100000000x{MINUTES}",
        residual=f"-90000000x{MINUTES}",
        limit=f"1000000000x{MINUTES}",
        kills=f"0x{MINUTES}",
    ),
    *container(
        2,
        "full",
        working_set=f"970000000x{MINUTES}",
        droppable=f"0x{MINUTES}",
        residual=f"4096x{MINUTES}",
        limit=f"1000000000x{MINUTES}",
        kills=f"0x{MINUTES - 5} 1x4",
    ),
    *container(
        3, "young", working_set=f"{YOUNG}5000000x30", droppable=f"{YOUNG}1000000x30", residual=f"{YOUNG}0x30"
    ),
    {"series": 'memcollect_node_working_set_bytes{node="n1"}', "values": f"90x{MINUTES}"},
    {"series": 'memcollect_node_memory_total_bytes{node="n1"}', "values": f"100x{MINUTES}"},
]
SHOWN: dict[str, dict[str, float]] = {
    "Closest to their limit": {
        '{namespace="shop", pod="grows", container="app", ' + ids(1) + "}": 0.32,
        '{namespace="shop", pod="full", container="app", ' + ids(2) + "}": 0.97,
    },
    "Grew most in the time shown": {
        '{namespace="shop", pod="grows"}': 60e6,
        '{namespace="shop", pod="full"}': 0,
    },
    "Unexplained": {
        '{namespace="shop", pod="grows", term="residual"}': 90e6,
        '{namespace="shop", pod="full", term="residual"}': 4096,
        '{namespace="shop", pod="young", term="residual"}': 0,
    },
    "Alerts that fire": {
        '{alertname="MemcollectContainerCloseToLimit"}': 1,
        '{alertname="MemcollectKilledForMemory"}': 1,
        '{alertname="MemcollectUnexplainedMemory"}': 1,
    },
    "Killed for memory in the time shown": {'{namespace="shop", pod="full", pod_uid="u2"}': 1},
    "Nodes closest to eviction": {'node:memcollect_working_set:ratio{node="n1"}': 0.9},
}
"""By the title of its panel, what the cluster is in it."""


def first_row() -> list[dict[str, Any]]:
    return panels()[: len(SHOWN)]


def test_they_stand_before_all_others_and_each_is_tried_here() -> None:
    assert [panel["title"] for panel in first_row()] == list(SHOWN)
    assert all(panel["type"] == "bargauge" and len(panel["targets"]) == 1 for panel in first_row())


@pytest.mark.parametrize("title", SHOWN)
def test_a_panel_shows_of_the_cluster_what_it_is_for(title: str, tmp_path: Path) -> None:
    (target,) = (panel["targets"][0] for panel in first_row() if panel["title"] == title)
    case = {
        "input_series": CLUSTER,
        "promql_expr_test": [
            {
                "expr": asked(target["expr"], shown="1h"),
                "eval_time": f"{MINUTES}m",
                "exp_samples": [{"labels": labels, "value": value} for labels, value in SHOWN[title].items()],
            }
        ],
    }
    hold_to(tmp_path, case)
