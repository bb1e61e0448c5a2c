"""An AIO interface for every pod that a stage makes; it ends when its pod goes, as a container does."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from memcollect.testing.sandboxes import aio
from memcollect.trying.programs.speaking import end_below
from worlds.children import Child
from worlds.profile_stage import NAMESPACE, Stage

PORT = 8080


@contextlib.contextmanager
def interfaces(stage: Stage, home: Path, environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """Serve them on PORT of the pods; their commands have `home` and this environment."""
    children: dict[str, Child] = {}
    made, deleted = stage.state.on_pod_created, stage.state.on_pod_deleted

    def created(pod: dict[str, Any]) -> None:
        name = pod["metadata"]["name"]
        command = [sys.executable, "-I", "-S", aio.__file__, "--home", str(home)]
        children[name] = Child(command, stdout=subprocess.PIPE, env=environment)
        stage.state.forward(NAMESPACE, name, PORT, to=("127.0.0.1", int(children[name].line())))
        made(pod)

    def gone(pod: dict[str, Any]) -> None:
        _end(children.pop(pod["metadata"]["name"]))
        deleted(pod)

    stage.state.on_pod_created, stage.state.on_pod_deleted = created, gone
    try:
        yield
    finally:
        stage.state.on_pod_created, stage.state.on_pod_deleted = made, deleted
        for each in children.values():
            _end(each)


def _end(child: Child) -> None:
    end_below(child.pid)
    with child:
        child.kill()
