"""share/ of the tree: what shells and man read of a program. The wheel and the single file bring it along."""

import sys
from pathlib import Path

from release.programs import run

COMPLETIONS = {
    "bash": "bash-completion/completions/memcollect",
    "zsh": "zsh/site-functions/_memcollect",
    "fish": "fish/vendor_completions.d/memcollect.fish",
}
"""Where below share/ each shell looks for completions by itself."""


def write(tree: Path) -> None:
    """Write share/ below `tree`, of the code in it. Raises ReleaseError where that does not run."""
    _write_completions(tree)
    _write_manual(tree)


def _write_completions(tree: Path) -> None:
    """Write share/ below `tree`: what each shell asks the program for what may come next with."""
    program = "import sys; from memcollect.__main__ import main; sys.argv[0] = 'memcollect'; main()"
    for shell, place in COMPLETIONS.items():
        script = run(
            [sys.executable, "-c", program],
            environment={**_of(tree), "_MEMCOLLECT_COMPLETE": f"{shell}_source"},
        )
        file = tree / "share" / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(script)


def _write_manual(tree: Path) -> None:
    """Write a page of the program and of each command, where man looks below a prefix."""
    run([sys.executable, tree / "scripts/make-man", tree / "share/man/man1"], environment=_of(tree))


def _of(tree: Path) -> dict[str, str]:
    """Return the environment in which Python finds this tree's code, and writes none of its own into it."""
    return {"PYTHONPATH": f"{tree / 'agent'}:{tree / 'collector'}", "PYTHONDONTWRITEBYTECODE": "1"}
