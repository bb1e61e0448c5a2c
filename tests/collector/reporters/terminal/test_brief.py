import re
from itertools import takewhile

import pytest

from memcollect.reporters.sizes import signed_size
from memcollect.reporters.terminal.brief import first_screen
from memcollect.reporters.terminal.ladder import ladder_lines
from worlds.reported_cases import NAMES, told

SCREEN = (80, 24)


@pytest.mark.parametrize("name", NAMES)
def test_the_first_screen_of_every_case_fits_a_terminal_of_80_by_24(name: str) -> None:
    for pod in told(name).snapshot.pods:
        lines = [line.plain for line in first_screen(pod, SCREEN[0])]
        assert len(lines) <= SCREEN[1], "\n".join(lines)


def test_small_steps_are_folded_into_one_line_that_holds_their_sum() -> None:
    ladder = told("21-thp-bloat").snapshot.pods[0].ladder
    assert ladder is not None
    step = next(each for each in ladder.steps if each.from_rung == "pss")
    lines = [line.plain for line in ladder_lines(ladder, 80, full=False)]
    folded = next(line for line in lines if "smaller terms" in line)
    large = max(step.terms, key=lambda term: term.estimate_bytes)
    assert signed_size(step.gap_bytes - large.estimate_bytes) in folded
    assert len(list(ladder_lines(ladder, 80, full=True))) > len(lines)


def test_the_bar_ends_at_the_limit_and_is_as_long_as_the_line() -> None:
    pod = told("21-thp-bloat").snapshot.pods[0]
    bar = next(line.plain for line in first_screen(pod, 80) if "limit" in line.plain and "█" in line.plain)
    assert len(bar) == 80
    assert bar.endswith("▏4096Mi limit")
    held = len(list(takewhile(lambda sign: sign == "█", bar.strip())))
    assert 0.4 < held / len(re.sub(r"▏.*", "", bar).strip()) < 0.55
