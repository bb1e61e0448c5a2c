"""What the demo's guest runs: python -m memcollect.lab.guest CONFIG, progress on stdout."""

import sys
from pathlib import Path

import msgspec
from msgspec import Struct

from memcollect.lab import demo_cluster, demo_stage, stacks
from memcollect.lab.demo_cluster import Runs
from memcollect.lab.demo_pods import Progress
from memcollect.lab.errors import LabError
from memcollect.lab.places import Places


class Play(Struct, frozen=True, kw_only=True):
    """Where to play, and how: in a cluster, or where there are no `runs` on the machine alone."""

    places: Places
    runs: Runs | None = None


def main(config: str) -> int:
    """Play the demo at the places that the host chose."""
    wanted = msgspec.json.decode(Path(config).read_bytes(), type=Play)
    file = stacks.prepare(Path(wanted.places.results))
    try:
        with stacks.Watch(_say, file) as watch:
            play(wanted, watch.heard)
    except LabError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def play(wanted: Play, on_progress: Progress) -> None:
    """Play it one way or the other. Raises LabError."""
    if wanted.runs is None:
        demo_stage.play(wanted.places, on_progress)
    else:
        demo_cluster.play(wanted.places, wanted.runs, on_progress)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
