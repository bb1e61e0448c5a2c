"""Others' packages, each with what it needs in a directory of its own: some cannot be installed together.

MEMCOLLECT_SDKS names a directory that keeps them for the next time; without it they are installed anew.
"""

import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from worlds import children

INSTALL_SECONDS = 600.0
PACKAGES: dict[str, tuple[tuple[str, ...], ...]] = {
    # What it asks for beside these is a hundred distributions of its maker's cloud, and not needed.
    "agent-sandbox": (("httpx>=0.23,<1", "pydantic>=1.9,<3"), ("--no-deps", "agent-sandbox==0.0.30")),
    "opensandbox": (("opensandbox==1.1.1",),),
    "opensandbox-server": (("opensandbox-server==1.1.1",),),
    "cubesandbox": (("cubesandbox==0.7.3",),),
    "k8s-agent-sandbox": (("k8s-agent-sandbox==1.0.8",),),
    "e2b-2.30": (("e2b==2.30.0",),),
    "e2b-2.63": (("e2b==2.63.0",),),
}
"""What pip is told, by the directory's name; more than once where one of them is to bring nothing along."""
Installed = Callable[[str], Path]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the time that its fixture may take."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.sdks)
            item.add_marker(pytest.mark.timeout(INSTALL_SECONDS + 300))


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Give the directory of a package, to stand on PYTHONPATH."""
    kept = os.environ.get("MEMCOLLECT_SDKS")
    root = Path(kept).resolve() if kept else tmp_path_factory.mktemp("sdks")

    @cache
    def install(name: str) -> Path:
        target = root / name
        if not (target / "installed").exists():
            for words in PACKAGES[name]:
                done = children.run(
                    [
                        sys.executable,
                        "-m",
                        "pip",
                        "install",
                        "--quiet",
                        "--no-compile",
                        "--target",
                        target,
                        *words,
                    ],
                    timeout=INSTALL_SECONDS,
                )
                assert done.returncode == 0, done.stderr
            (target / "installed").touch()
        return target

    return install
