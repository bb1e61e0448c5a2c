"""What agents and kube-state-metrics would give of made-up pods, as promtool's tests take it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from worlds.metrics_stage import RULES, promtool

Series = dict[str, str]


def ids(number: int) -> str:
    return f'pod_uid="u{number}", container_id="{number:064x}", qos="Burstable"'


def pod(number: int, name: str, ever: str, *, role: str = "container", **series: str) -> list[Series]:
    """Return the series of a pod of one container, or of one sandbox; `ever`: what Kubernetes always says."""
    who = f'namespace="shop", pod="{name}", uid="u{number}"'
    ours = f'{ids(number)}, role="{role}"'
    names = {
        "working_set": f"memcollect_container_working_set_bytes{{{ours}}}",
        "limit": f"memcollect_container_limit_bytes{{{ours}}}",
        "kills": f'memcollect_pod_oom_kills_total{{pod_uid="u{number}", qos="Burstable"}}',
        **{
            f"pod_{what}": f'memcollect_pod_{what}_bytes{{pod_uid="u{number}", qos="Burstable"}}'
            for what in ("limit", "lasting")
        },
        **{
            term: f'memcollect_container_composition_bytes{{{ours}, term="{term}"}}'
            for term in ("droppable", "residual")
        },
    }
    given = {names[name]: values for name, values in series.items()}
    given[f"kube_pod_info{{{who}}}"] = ever
    if role == "container":
        known = f'{who}, container="app", container_id="containerd://{number:064x}"'
        given[f"kube_pod_container_info{{{known}}}"] = ever
    return [{"series": name, "values": values} for name, values in given.items()]


def hold_to(directory: Path, case: Mapping[str, Any], every: str = "1m") -> None:
    """Hold the project's rules to one case of promtool's; fail with its words."""
    file = {"rule_files": [str(RULES)], "evaluation_interval": every, "tests": [{"interval": every, **case}]}
    (directory / "case.yaml").write_text(json.dumps(file))
    assert "SUCCESS" in promtool("test", "rules", str(directory / "case.yaml"))


def values(numbers: Sequence[float | None]) -> str:
    """Return the numbers as promtool writes them; None: a scrape without the series, which is then stale."""
    before = [None, *numbers]
    missing = ("_" if last is None else "stale" for last in before)
    return " ".join(
        gone if number is None else f"{number:.0f}" for number, gone in zip(numbers, missing, strict=False)
    )
