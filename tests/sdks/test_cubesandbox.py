"""The stand-in for E2B's interface, held to CubeSandbox's idea of it: its own package drives it as it is."""

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from memcollect.testing.sandboxes.e2b import HOME, E2b
from memcollect.testing.sandboxes.serving import Served
from sdks.conftest import Installed


@pytest.fixture(scope="module")
def sdk(installed: Installed) -> Iterator[Any]:
    """The package, imported after all that is ours."""
    directory = str(installed("cubesandbox"))
    sys.path.append(directory)
    try:
        yield import_module("cubesandbox")
    finally:
        sys.path.remove(directory)


@pytest.fixture
def backend(tmp_path: Path) -> E2b:
    return E2b(tmp_path)


@pytest.fixture
def box(sdk: Any, backend: E2b) -> Iterator[Any]:
    with Served(backend) as there:
        config = sdk.Config(
            api_url=there.url,
            api_key="of-the-test",
            template_id="base",
            proxy_node_ip="127.0.0.1",
            proxy_port=there.port,
        )
        box = sdk.Sandbox.create(config=config)
        try:
            yield box
        finally:
            box.close()


def test_a_command_s_texts_and_its_end_come_back(box: Any) -> None:
    told = box.commands.run("echo out; echo err >&2; exit 7")
    assert (told.stdout, told.stderr, told.exit_code) == ("out\n", "err\n", 7)


def test_files_go_up_as_raw_octets_and_are_listed(box: Any, backend: E2b) -> None:
    box.files.write(f"{HOME}/deep/a.bin", bytes(range(256)))
    (sandbox,) = backend.there.values()
    assert sandbox.machine.path(f"{HOME}/deep/a.bin").read_bytes() == bytes(range(256))
    box.files.write(f"{HOME}/a.txt", "one\n")
    assert box.files.read(f"{HOME}/a.txt") == "one\n"


def test_it_is_paused_resumed_and_killed(box: Any, backend: E2b) -> None:
    box.pause(wait=False)
    assert [each.state for each in backend.there.values()] == ["paused"]
    box.resume()
    assert [each.state for each in backend.there.values()] == ["running"]
    box.kill()
    assert backend.there == {}
