"""A kubeconfig for a stand-in, as JSON, which every reader of YAML takes."""

import base64
import json
from pathlib import Path
from typing import Any

CONTEXT = "stand-in"


def write(
    path: Path, url: str, *, authority: bytes | None, token: str | None, namespace: str = "default"
) -> Path:
    """Write a kubeconfig with one context and return its path; `authority` is a CA certificate in PEM."""
    server: dict[str, Any] = {"server": url}
    if authority is not None:
        server["certificate-authority-data"] = base64.b64encode(authority).decode()
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": server}],
        "users": [{"name": CONTEXT, "user": {"token": token} if token else {}}],
        "contexts": [
            {"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT, "namespace": namespace}}
        ],
        "current-context": CONTEXT,
    }
    path.write_text(json.dumps(document, indent=2) + "\n")
    path.chmod(0o600)
    return path
