"""The configurations in docs/metrics.md for what is not Prometheus."""

import re
from typing import Any

import yaml

from worlds.metrics_stage import REPOSITORY


def configuration(program: str) -> dict[str, Any]:
    """Return the first block of YAML after the program's name in bold."""
    text = (REPOSITORY / "docs/metrics.md").read_text()
    found = re.search(rf"^\*\*{program}\.\*\*.*?^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert found is not None, program
    read: dict[str, Any] = yaml.safe_load(found[1])
    return read
