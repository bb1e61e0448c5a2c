"""One browser per session: it opens every page, and the tests look at what it saw.

MEMCOLLECT_REQUIRE_BROWSER makes the absence of a browser a failure rather than a skip, and
MEMCOLLECT_SCREENSHOTS names a directory that keeps the pages and their screenshots, for people to look at.
"""

import os
from pathlib import Path
from typing import NoReturn

import msgspec
import pytest

from browser.pages import write_pages
from browser.seen import Seen
from worlds import children, npm

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
INSTALLED = ROOT / ".lab" / "browser"
"""Where npm puts what it fetches; nowhere else in the tree."""
LOOK_SECONDS = 600.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the first test the time that its fixture may take."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.timeout(npm.INSTALL_SECONDS + LOOK_SECONDS + 60))


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What a real browser saw of every page."""
    try:
        browser, node = npm.program("chromium"), npm.program("node")
        npm.install(HERE / "package.json", INSTALLED)
    except npm.NotHere as missing:
        _absent(str(missing))
    kept = os.environ.get("MEMCOLLECT_SCREENSHOTS")
    directory = Path(kept) if kept else tmp_path_factory.mktemp("pages")
    directory.mkdir(parents=True, exist_ok=True)
    write_pages(directory)
    command = [node, str(HERE / "look.mjs"), browser, str(directory)]
    looked = children.run(command, cwd=INSTALLED, timeout=LOOK_SECONDS)
    assert looked.returncode == 0, looked.stderr[-4000:]
    return msgspec.json.decode((directory / "seen.json").read_bytes(), type=Seen)


def _absent(reason: str) -> NoReturn:
    if os.environ.get("MEMCOLLECT_REQUIRE_BROWSER"):
        pytest.fail(reason)
    pytest.skip(reason)
