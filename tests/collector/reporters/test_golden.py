"""Every page reads as it was last read: what changes a word or a place shows all that it changes."""

import pytest

from worlds.golden_pages import PLACE, pages


@pytest.mark.parametrize("name", pages())
def test_it_reads_as_the_golden_page_says(name: str) -> None:
    written = (PLACE / name).read_text(encoding="utf-8")

    assert pages()[name]() == written, "read the new page: cd tests && python -m worlds.golden_pages"


def test_no_page_is_kept_that_no_command_prints() -> None:
    assert {path.name for path in PLACE.iterdir()} == set(pages())
