"""The names of pods and containers that a node knows by itself: those of its log files.

The kubelet makes /var/log/pods/<namespace>_<pod>_<uid>/ and the links
/var/log/containers/<pod>_<namespace>_<container>-<id>.log (pkg/kubelet/kuberuntime, legacy.go and
helpers.go). Only the names are read, nothing is opened or followed, and a name that Kubernetes would not
have accepted is passed over: a directory can be made by others.
"""

from __future__ import annotations

import os
import re
from itertools import islice
from pathlib import Path

from memcollect.join import LocalNames

MAX_ENTRIES = 100_000
"""A node holds some hundreds; a directory with more is somebody's mistake."""
NAME = r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?"
POD_DIRECTORY = re.compile(rf"({NAME})_({NAME})_([0-9A-Za-z_.-]{{1,128}})")
CONTAINER_LINK = re.compile(rf"{NAME}_{NAME}_({NAME})-([0-9a-f]{{32,64}})\.log")


def names_from_logs(log_root: str = "/var/log") -> LocalNames:
    """Return what the log directories below `log_root` tell; nothing where there are none."""
    pods, containers = {}, {}
    for entry in _entries(Path(log_root, "pods")):
        if match := POD_DIRECTORY.fullmatch(entry):
            namespace, pod, uid = match.groups()
            pods[uid] = (namespace, pod)
    for entry in _entries(Path(log_root, "containers")):
        if match := CONTAINER_LINK.fullmatch(entry):
            container, container_id = match.groups()
            containers[container_id] = container
    return LocalNames(pods=pods, containers=containers)


def _entries(directory: Path) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return [entry.name for entry in islice(entries, MAX_ENTRIES)]
    except OSError:
        # Names are a courtesy: without them pods are shown by their UIDs.
        return []
