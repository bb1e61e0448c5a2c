import json

import pytest

from memcollect.commands.run import run
from memcollect.schema.kinds import KINDS


def test_without_a_word_it_lists_the_documents_each_on_a_line_of_a_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["schema"], "memcollect") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(KINDS)
    assert all(len(line) <= 80 for line in lines)


@pytest.mark.parametrize("kind", KINDS)
def test_it_prints_the_schema_of_a_document(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", kind], "memcollect") == 0
    assert json.loads(capsys.readouterr().out)["title"] == f"memcollect {kind}"


def test_a_document_that_is_none_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", "pod"], "memcollect") == 2
    assert "'pod' is not one of 'snapshot', 'node'" in capsys.readouterr().err
