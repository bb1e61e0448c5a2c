"""Runs in the guest: every scene in turn, one result file each, and the kernel's files if asked for.

python -m lab.runtime_runner PROGRAM RESULTS [TREES]
"""

import sys
import time
import traceback
from pathlib import Path

import msgspec

from lab.record import OF_PROC, OF_PROCESS, OF_SYS, keep
from lab.runtime_scenes import SCENES, Actors, kernel
from lab.runtime_truth import Played
from lab.stage import FLUSH_SECONDS, Stage
from memcollect.lab import cgroups
from memcollect_agent.measure.sample import Roots, sample_node
from memcollect_agent.wire import SampleRequest

REQUEST = SampleRequest(process_limit=20, sandboxes=True)


def play(name: str, stage: Stage, actors: Actors, tree: Path | None) -> Played:
    """Play one scene and take its sample with the agent as it is shipped."""
    made = SCENES[name](actors)
    time.sleep(FLUSH_SECONDS)
    sample = sample_node(REQUEST, Roots())
    played = Played(name=name, kernel=kernel(), scene=made, sample=sample)
    if tree is not None:
        record(tree / f"lab-runtime-{name.replace('_', '-')}", stage, actors, played)
    return played


def record(tree: Path, stage: Stage, actors: Actors, played: Played) -> None:
    """Keep what the kernel says of the scene's cgroups and processes."""
    mount = Path("/sys/fs/cgroup")
    places = [mount, *(pod.cgroup for pod in stage.pods), *actors.outside]
    files = [file for place in places[1:] for file in sorted(place.rglob("*"))] + list(mount.glob("*"))
    for file in files:
        if file.name.startswith(("memory.", "cgroup.")) and "reclaim" not in file.name:
            keep(file, tree)
    pids = sorted({pid for place in places[1:] for pid in cgroups.members(place)})
    for name in [*OF_PROC, *(f"{pid}/{name}" for pid in pids for name in (*OF_PROCESS, "smaps"))]:
        keep(Path("/proc", name), tree)
    for name in OF_SYS:
        keep(Path("/sys", name), tree)
    known = msgspec.structs.replace(played, sample=None)
    (tree / "scene.json").write_bytes(msgspec.json.format(msgspec.json.encode(known), indent=1) + b"\n")


def main(program: str, results: Path, trees: Path | None) -> None:
    """Play every scene; one that fails leaves its traceback, and the others play all the same."""
    for name in SCENES:
        stage = Stage(program)
        actors = Actors(stage)
        began = time.monotonic()
        try:
            played = play(name, stage, actors, trees)
        except Exception:  # noqa: BLE001 -- the next scene plays whatever this one met
            played = Played(name=name, kernel=kernel(), error=traceback.format_exc())
        finally:
            stage.clear()
            actors.clear()
        (results / f"{name}.json").write_bytes(msgspec.json.encode(played))
        sys.stdout.write(f"{name} {'failed' if played.error else 'played'} {time.monotonic() - began:.1f}s\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None)
