"""The two runs of the guide held against one another, as a user does it."""

import sys
from pathlib import Path

import msgspec

from lab.guide import CYCLES, SINGLE, STEPS
from memcollect.compare.model import Comparison, Pair, PhaseKey
from worlds import children

BACKENDS = ("disk", "memory")
ROUNDS = [PhaseKey(name="warm-reuse", cycle=cycle) for cycle in range(1, CYCLES + 1)]
AT_ONCE = [PhaseKey(name="concurrent", step=step) for step in STEPS]
PHASES = [*(PhaseKey(name=name) for name in SINGLE), *ROUNDS, *AT_ONCE]


def compared(results: Path, *words: str, code: int = 0) -> Comparison:
    return msgspec.json.decode(compare(results, *words, "--format", "json", code=code), type=Comparison)


def compare(results: Path, *words: str, code: int = 0) -> str:
    command = [sys.executable, "-m", "memcollect", "compare", *words]
    done = children.run(command, cwd=results)
    assert done.returncode == code, done.stderr
    return done.stdout


def between(comparison: Comparison, phase: PhaseKey) -> Pair:
    """Return the pair of the two backends in that phase."""
    (found,) = [e for e in comparison.pairs if e.kind == "backends" and e.candidate.phase == phase]
    return found
