"""What the demo's guest runs: python -m memcollect.lab.guest CONFIG, progress on stdout."""

import sys
from pathlib import Path

import msgspec

from memcollect.lab.demo_stage import Places, play
from memcollect.lab.errors import LabError


def main(config: str) -> int:
    """Play the demo at the places that the host chose."""
    places = msgspec.json.decode(Path(config).read_bytes(), type=Places)
    try:
        play(places, _say)
    except LabError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
