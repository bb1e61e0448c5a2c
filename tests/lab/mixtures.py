"""Mixtures of memory, drawn by lot: what is true of each kind is true of all of them together.

Nobody chose the sizes or what stands beside what, so a sentence that is right for one kind alone is found
here. The seed decides all: a mixture that fails can be played again.
"""

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from lab.stage import DISK, MIB, SHM, Stage, drop_caches, truth
from lab.truth import Truth
from memcollect.lab import cgroups
from memcollect.lab.layout import PlacedPod

PAGE = 4096
_LARGEST_PAGES = 16 * MIB // PAGE
_LIMITS = (None, 96 * MIB, 200 * MIB)
_Drawn = tuple[str, dict[str, int]]
"""What the program is told, and what is true then: bytes by cause."""


def mixture(seed: int) -> Callable[[Stage], list[Truth]]:
    """Return the workload of a seed: one to three pods, of one or two containers each."""

    def play(stage: Stage) -> list[Truth]:
        lot = _Lot(random.Random(f"mixture {seed}"))  # noqa: S311 -- to be drawn again, not to be secret
        plans = [
            {name: lot.container() for name in ("app", "sidecar")[: lot.random.choice((1, 1, 2))]}
            for _ in range(lot.random.randint(1, 3))
        ]
        drop_caches()
        played = (
            _play(stage, lot, f"mixed-{seed}-{place}", plan) for place, plan in enumerate(plans, start=1)
        )
        return [truth for truths in played for truth in truths]

    return play


def _play(stage: Stage, lot: "_Lot", name: str, plan: dict[str, list[_Drawn]]) -> list[Truth]:
    limit = lot.random.choice(_LIMITS)
    gone = lot.random.choice(("", "", "init"))
    pod = stage.pod(
        name,
        *filter(None, (gone, *plan)),
        qos_class=lot.random.choice(("Guaranteed", "Burstable", "BestEffort")),
        driver=lot.random.choice(("systemd", "cgroupfs")),
        limits={"memory.max": limit} if limit else {},
    )
    truths = _gone(stage, lot, pod) if gone else []
    for container, drawn in plan.items():
        stage.tenant(pod, " ".join(words for words, _ in drawn), container=container)
        sums = sum((Counter(sizes) for _, sizes in drawn), Counter[str]())
        truths += [truth(pod, cause, size, scope=container) for cause, size in sums.items()]
    return truths


def _gone(stage: Stage, lot: "_Lot", pod: PlacedPod) -> list[Truth]:
    words, sizes = lot.tmpfs()
    stage.tenant(pod, words, container="init").end()
    cgroups.remove(pod.containers["init"])
    return [truth(pod, "dead_containers", sizes["shmem"], scope="pod")]


class _Lot:
    """Draws what containers hold; files are written when they are drawn, before anybody may pay for them."""

    def __init__(self, drawing: random.Random) -> None:
        self.random = drawing
        self._files = 0

    def container(self) -> list[_Drawn]:
        """Draw one to five kinds of memory, each once."""
        kinds = (
            self.anon, self.heap_and_tables, self.given_back, self.tmpfs, self.shared,
            self.memfd, self.read_once, self.read_thrice, self.locked,
        )  # fmt: skip
        return [draw() for draw in self.random.sample(kinds, self.random.randint(1, 5))]

    def anon(self) -> _Drawn:
        size = self._size()
        return f"anon {size}", {"anon": size}

    def heap_and_tables(self) -> _Drawn:
        size = self.random.randint(200, 1500) * PAGE
        return f"sparse {size // PAGE}", {"anon": size, "page_tables": size}

    def given_back(self) -> _Drawn:
        size = self._size()
        return f"lazyfree {size}", {"lazyfree": size}

    def tmpfs(self) -> _Drawn:
        size = self._size()
        return f"write {self._path(SHM)} {size}", {"shmem": size, "unmapped_shmem": size}

    def shared(self) -> _Drawn:
        size = self._size()
        return f"shared {size}", {"shmem": size}

    def memfd(self) -> _Drawn:
        size = self._size()
        return f"memfd mixed {size}", {"shmem": size}

    def read_once(self) -> _Drawn:
        path, size = self._file()
        return f"read {path} 1", {"cold_cache": size}

    def read_thrice(self) -> _Drawn:
        path, size = self._file()
        return f"read {path} 3", {"hot_cache": size}

    def locked(self) -> _Drawn:
        path, size = self._file()
        return f"lock {path}", {"locked_cache": size}

    def _size(self) -> int:
        return self.random.randint(256, _LARGEST_PAGES) * PAGE

    def _file(self) -> tuple[Path, int]:
        path, size = self._path(DISK), self._size()
        path.write_bytes(b"x" * size)
        return path, size

    def _path(self, directory: Path) -> Path:
        self._files += 1
        return directory / f"mixed-{self._files}"
