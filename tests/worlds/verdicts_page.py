"""Every verdict of the reported cases on one page: what changes a word shows all that it changes.

cd tests && python -m worlds.verdicts_page    # writes collector/cases/verdicts.txt anew: read its diff
"""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from memcollect.documents.snapshot import Pod
from worlds.reported_cases import NAMES, Told, told, told_locally

PAGE = Path(__file__).parents[1] / "collector/cases/verdicts.txt"
LOCAL = frozenset({"30-service-active-cache", "51-path-shapes", "v05-files"})
"""They have a node and no API."""
DOCUMENTS = frozenset({"real-kernel-oom"})
"""They have no tree: `stored` reads what was measured."""
SERVED = tuple(name for name in NAMES if name not in DOCUMENTS)
WIDTH = 80
_OF_THIS_RUN = (
    (r"\d+ s old", "N s old"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, \d+ min ago", "DATE, N min ago"),
    (r"/\S*/node/cgroup/", "/…/cgroup/"),
)


def tell(case: str) -> Told:
    """Return what the command says of the case."""
    return told_locally(case) if case in LOCAL else told(case)


def page() -> str:
    """Return the verdicts of all cases, without what differs from run to run."""
    return "\n".join(line for case in SERVED for line in _case(case)) + "\n"


def _case(case: str) -> Iterator[str]:
    yield case
    for pod in sorted(tell(case).snapshot.pods, key=lambda each: (each.name, each.uid)):
        yield from _verdict(pod)
    yield ""


def _verdict(pod: Pod) -> list[str]:
    text = f"{pod.name[:40]}: {pod.verdict}"
    for pattern, instead in _OF_THIS_RUN:
        text = re.sub(pattern, instead, text)
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
