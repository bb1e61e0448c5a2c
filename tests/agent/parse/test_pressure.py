import pytest

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import pressure
from memcollect_agent.wire import Pressure

TEXT = b"""some avg10=0.00 avg60=0.12 avg300=1.50 total=123456
full avg10=0.00 avg60=0.00 avg300=0.25 total=4567
"""


def test_both_lines_come_in_percent_and_microseconds() -> None:
    assert pressure.parse(TEXT, "memory.pressure") == {
        "some": Pressure(avg10=0.0, avg60=0.12, avg300=1.5, total=123456),
        "full": Pressure(avg10=0.0, avg60=0.0, avg300=0.25, total=4567),
    }


@pytest.mark.parametrize(
    "data",
    [
        b"some avg10=0.00 avg60=0.12 avg300=1.50\n",
        b"some avg10=0.00 avg60=0.12 avg300=1.50 total=1 more=2\n",
        b"some avg60=0.00 avg10=0.12 avg300=1.50 total=1\n",
        b"some avg10=nan avg60=0.12 avg300=1.50 total=1\n",
        b"some avg10=-1.00 avg60=0.12 avg300=1.50 total=1\n",
        b"some avg10=1e3.00 avg60=0.12 avg300=1.50 total=1\n",
        TEXT.replace(b"full", b"some"),
        b"",
    ],
)
def test_other_columns_are_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        pressure.parse(data, "memory.pressure")
