import msgspec

from memcollect.compare import Question, compare
from memcollect.compare.model import Comparison
from memcollect.reporters.compare.formats import rendered
from worlds import compare_builders as build


def test_the_document_survives_being_written_and_read() -> None:
    comparison = compare(build.rich_pair(), Question(baseline="aio", issue="#3213"))
    text = rendered(comparison, "json")
    assert text.startswith('{\n  "comparison_schema_version": 1,')
    assert msgspec.json.decode(text, type=Comparison) == comparison
