"""The real kubectl, on the cluster that a kubeconfig leads to."""

import json
import os
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from worlds import children

REFUSALS = ("(Forbidden)", "admission webhook", "denied the request", "ValidatingAdmissionPolicy")
OUR_OWN = ("violates PodSecurity", "exceeded quota")
"""What would be our own fault: such an object is to be admitted wherever Pod Security is restricted."""
_LONGEST = 200


class Kubectl:
    """Runs kubectl with one kubeconfig; what fails raises AssertionError with its words."""

    def __init__(self, kubeconfig: str) -> None:
        self.kubeconfig = kubeconfig

    def run(self, *arguments: str, sent: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Return how it ended. A Ctrl-C reaches the tests alone: what they delete afterwards must not end."""
        environment = {**os.environ, "KUBECONFIG": self.kubeconfig}
        return children.run(["kubectl", *arguments], input=sent, env=environment, start_new_session=True)

    def out(self, *arguments: str, document: dict[str, Any] | None = None) -> str:
        """Return what it prints; `document` goes to its standard input."""
        done = self.run(*arguments, sent=None if document is None else json.dumps(document))
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr.strip()}"
        return done.stdout

    def delete(self, *things: Sequence[str]) -> None:
        """Delete each of `things` (the words after `kubectl delete`), whatever becomes of the others."""
        with ExitStack() as stack:
            for words in things:
                stack.callback(self.out, "delete", *words, "--ignore-not-found")

    def json(self, *arguments: str) -> Any:
        """Return the objects it gets."""
        return json.loads(self.out(*arguments, "-o", "json"))

    def create(self, document: dict[str, Any]) -> None:
        """Create one object; the test is skipped where this user, or the cluster's rules, may not have it."""
        # Without asking for the schemas, which is a right of its own.
        words = ("create", "--validate=false", "-f", "-")
        self.allowed(f"make a {document['kind']}", *words, document=document)

    def allowed(self, what: str, *arguments: str, document: dict[str, Any]) -> str:
        """Return what it prints; the test is skipped, with its words, where the cluster refuses `what`."""
        done = self.run(*arguments, sent=json.dumps(document))
        said = " ".join(done.stderr.split())
        if any(each in said for each in REFUSALS) and not any(each in said for each in OUR_OWN):
            pytest.skip(f"we may not {what} there: {said[:_LONGEST]}")
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {said}"
        return done.stdout

    def may(self, *words: str) -> bool:
        """Whether the API server grants `words` (as `kubectl auth can-i` takes them)."""
        return self.run("auth", "can-i", *words).stdout.strip() == "yes"

    def listed(self, *words: str) -> list[dict[str, Any]] | None:
        """Return the objects of a list; None where they may not be listed."""
        done = self.run("get", *words, "-o", "json")
        return json.loads(done.stdout)["items"] if done.returncode == 0 else None

    def as_holder(self, token: str, path: Path) -> "Kubectl":
        """Return the same cluster for whoever holds `token`; its kubeconfig is written to `path`."""
        words = ("config", "view", "--raw", "--minify", "--flatten")
        config = self.json(*words)
        config["users"] = [{"name": each["name"], "user": {"token": token}} for each in config["users"]]
        path.touch(mode=0o600)
        path.write_text(json.dumps(config))
        return Kubectl(str(path))
