"""The contexts of a kubeconfig, without the official client, which takes a second to be imported."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from memcollect.documents.files import read_written
from memcollect.documents.yaml_value import check_yaml

DEFAULT_KUBECONFIG = "~/.kube/config"
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def context_names(kubeconfig: str | None) -> list[str]:
    """Return the names in the files that kubectl would read. Raises DocumentError where one is no YAML."""
    named = kubeconfig or os.environ.get("KUBECONFIG") or DEFAULT_KUBECONFIG
    paths = [Path(file).expanduser() for file in named.split(os.pathsep) if file]
    there = [path for path in paths if os.path.exists(path)]  # noqa: PTH110 # Path's raises where nobody may look
    return list(dict.fromkeys(name for path in there for name in _names(path)))


def _names(path: Path) -> Iterator[str]:
    text = read_written(str(path), "kubeconfig")
    check_yaml(text, str(path))
    value: Any = yaml.load(text, Loader=_Loader)  # noqa: S506 # one of the safe loaders
    contexts = value.get("contexts") if isinstance(value, dict) else None
    for each in contexts if isinstance(contexts, list) else ():
        name = each.get("name") if isinstance(each, dict) else None
        if isinstance(name, str):
            yield name
