"""Doubles for what a run of a plan is handed: a cluster that nobody asks, a person, and Ctrl-C."""

from kubernetes.client import Configuration

from memcollect.sources.deadline import Stopped
from memcollect.sources.kube_config import Cluster

NOWHERE = Cluster(Configuration(host="http://127.0.0.1:1"), "nowhere")


class Nobody:
    """An operator who must not be asked."""

    def ask(self, text: str, seconds: float, stopped: Stopped) -> str:
        raise AssertionError((text, seconds, stopped))


def never() -> bool:
    """Say that nobody has pressed Ctrl-C."""
    return False


def after(looks: int) -> Stopped:
    """Return a Ctrl-C that comes after it was looked for so often."""
    left = iter([False] * looks)
    return lambda: next(left, True)
