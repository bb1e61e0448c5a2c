"""memcollect, with a pod deleted after the pods were listed and before an agent is asked.

    python -m cluster.too_late NAMESPACE POD COMMAND …

Deleted by kubectl, which waits for it; with a grace period the kubelet removes the pod's cgroup before the
API server forgets the pod.
"""

import sys
from typing import Any
from unittest.mock import patch

from memcollect.commands.run import run
from memcollect.sources.agents import fetch_samples
from memcollect.taking import cluster
from worlds import children


def main(namespace: str, pod: str, arguments: list[str]) -> int:
    """Run the command, and delete the pod in its midst."""

    def after_the_deletion(*words: Any, **options: Any) -> Any:
        delete = ["kubectl", "delete", "pod", pod, "-n", namespace, "--wait=true", "--ignore-not-found"]
        children.run(delete, check=True)
        return fetch_samples(*words, **options)

    with patch.object(cluster, "fetch_samples", after_the_deletion):
        return run(arguments, "memcollect")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
