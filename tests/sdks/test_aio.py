"""The stand-in for the AIO interface, held to somebody else's idea of it: PyPI's agent-sandbox drives it."""

import base64
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from memcollect.testing.sandboxes import aio
from sdks.conftest import Installed
from worlds.children import Child


@pytest.fixture(scope="module")
def sdk(installed: Installed) -> Iterator[Any]:
    """The package, imported after all that is ours."""
    directory = str(installed("agent-sandbox"))
    sys.path.append(directory)
    try:
        yield import_module("agent_sandbox")
    finally:
        sys.path.remove(directory)


@pytest.fixture
def client(sdk: Any, tmp_path: Path) -> Iterator[Any]:
    httpx = import_module("httpx")
    command = [sys.executable, "-I", "-S", aio.__file__, "--home", str(tmp_path)]
    with Child(command, stdout=-1) as child, httpx.Client() as connections:
        yield sdk.Sandbox(base_url=f"http://127.0.0.1:{child.line()}", httpx_client=connections)


def test_it_tells_what_it_is(client: Any, tmp_path: Path) -> None:
    assert client.sandbox.get_context().home_dir == str(tmp_path)


def test_a_command_s_texts_and_its_end_come_back(client: Any) -> None:
    told = client.bash.exec(command="echo out; echo err >&2; exit 7").data
    assert (told.stdout, told.stderr, told.exit_code) == ("out\n", "err\n", 7)


def test_a_variable_is_set_for_its_call(client: Any) -> None:
    assert client.bash.exec(command='printf %s "$A"', env={"A": "1 2"}).data.stdout == "1 2"


def test_a_command_past_its_hard_limit_is_told_as_such(client: Any) -> None:
    assert client.bash.exec(command="sleep 60", hard_timeout=0.5).data.status == "timed_out"


def test_the_older_way_of_commands_gives_one_text(client: Any) -> None:
    told = client.shell.exec_command(command="echo out; echo err >&2").data
    assert told.output == "out\nerr\n"


def test_text_is_written_appended_and_read_by_lines(client: Any, tmp_path: Path) -> None:
    file = str(tmp_path / "a.txt")
    client.file.write_file(file=file, content="one\ntwo\n")
    client.file.write_file(file=file, content="three\n", append=True)
    assert client.file.read_file(file=file).data.content == "one\ntwo\nthree\n"
    assert client.file.read_file(file=file, start_line=1, end_line=2).data.content == "two\n"


def test_bytes_go_up_and_come_down(client: Any, tmp_path: Path) -> None:
    data = bytes(range(256))
    client.file.upload_file(file=("b", data), path=str(tmp_path / "b"))
    assert b"".join(client.file.download_file(path=str(tmp_path / "b"))) == data


def test_bytes_are_written_as_deer_flow_writes_them(client: Any, tmp_path: Path) -> None:
    data = bytes(range(256))
    client.file.write_file(
        file=str(tmp_path / "b"), content=base64.b64encode(data).decode(), encoding="base64"
    )
    assert (tmp_path / "b").read_bytes() == data


def test_files_are_listed_and_found(client: Any, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "c.txt").write_text("needle\n")
    listed = client.file.list_path(path=str(tmp_path), recursive=True).data.files
    assert {each.name for each in listed} == {"deep", "c.txt"}
    assert client.file.find_files(path=str(tmp_path), glob="**/*.txt").data.files == [
        str(tmp_path / "deep" / "c.txt")
    ]
