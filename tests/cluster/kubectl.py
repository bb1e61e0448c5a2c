"""The real kubectl, on the cluster that KUBECONFIG leads to."""

import json
from typing import Any

from worlds import children


class Kubectl:
    """Runs kubectl with the environment's KUBECONFIG; what fails raises AssertionError with its words."""

    def out(self, *arguments: str, document: dict[str, Any] | None = None) -> str:
        """Return what it prints; `document` goes to its standard input."""
        sent = None if document is None else json.dumps(document)
        done = children.run(["kubectl", *arguments], input=sent)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr.strip()}"
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """Return the objects it gets."""
        return json.loads(self.out(*arguments, "-o", "json"))

    def create(self, document: dict[str, Any]) -> None:
        """Create one object."""
        # Without asking for the schemas, which is a right of its own.
        self.out("create", "--validate=false", "-f", "-", document=document)

    def may(self, *words: str) -> bool:
        """Whether the API server grants `words` (as `kubectl auth can-i` takes them)."""
        command = ["kubectl", "auth", "can-i", *words]
        done = children.run(command)
        return done.stdout.strip() == "yes"
