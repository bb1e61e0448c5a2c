"""The real kubectl of this machine, where there is one that is recent enough to be a witness."""

import json
import shutil
from functools import cache

from worlds import children

OLDEST_MINOR = 30
"""1.30 forwards ports over WebSocket; older ones speak bare SPDY, and their kustomize lacks `labels`."""


@cache
def kubectl_path() -> str | None:
    """Return the path of kubectl 1.30 or later; None where there is none (`why_not` says so)."""
    return None if why_not() else shutil.which("kubectl")


@cache
def why_not() -> str:
    """Return why the real kubectl cannot be asked here, empty where it can."""
    found = shutil.which("kubectl")
    if found is None:
        return "kubectl is not installed (Debian: kubernetes-client)"
    command = [found, "version", "--client", "-o", "json"]
    done = children.run(command)
    try:
        version = json.loads(done.stdout)["clientVersion"]
        minor = int("".join(filter(str.isdigit, version["minor"])))
    except (ValueError, KeyError, TypeError):
        return f"kubectl does not say its version: {done.stderr.strip()[:200]}"
    if (int(version["major"]), minor) < (1, OLDEST_MINOR):
        return f"kubectl {version['gitVersion']} is older than 1.{OLDEST_MINOR}"
    return ""
