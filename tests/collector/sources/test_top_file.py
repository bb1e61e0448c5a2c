from pathlib import Path

import pytest

from memcollect.errors import DocumentError
from memcollect.sources.top_file import read_tops


def test_every_top_of_the_file_is_labelled_as_the_demos(tmp_path: Path) -> None:
    path = tmp_path / "tops.json"
    path.write_text('{"abc": {"timestamp": 12.5, "memory_bytes": 4096}}')
    top = read_tops(path)["abc"]
    assert (top.source, top.timestamp, top.memory_bytes) == ("demo", 12.5, 4096)


@pytest.mark.parametrize(
    "content", ["", "[]", '{"abc": 1}', '{"abc": {"timestamp": 1, "memory_bytes": "x"}}']
)
def test_another_content_is_refused_with_the_form_it_should_have(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tops.json"
    path.write_text(content)
    with pytest.raises(DocumentError, match="container id"):
        read_tops(path)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="cannot be read"):
        read_tops(tmp_path / "nowhere")
