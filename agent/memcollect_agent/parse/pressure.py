"""memory.pressure: how much time tasks lost waiting for memory (Documentation/accounting/psi.rst).

some avg10=0.00 avg60=0.12 avg300=1.50 total=123456
full avg10=0.00 avg60=0.00 avg300=0.25 total=4567
"""

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import words
from memcollect_agent.wire import Pressure

_AVERAGES = (b"avg10", b"avg60", b"avg300")


def parse(data: bytes, source: str) -> dict[str, Pressure]:
    """Return the lines by their first word ("some", "full"): percent, and microseconds in `total`."""
    pressure: dict[str, Pressure] = {}
    for count, line in enumerate(words.lines_of(data, source), 1):
        kind, *pairs = line.split(b" ")
        key = words.name(kind, source, count)
        if key in pressure:
            raise ParseError(source, count, f"{key} comes a second time")
        pressure[key] = _line(pairs, source, count)
    return pressure


def _line(pairs: list[bytes], source: str, line: int) -> Pressure:
    values = []
    for pair, wanted in zip(pairs, (*_AVERAGES, b"total"), strict=False):
        key, _, value = pair.partition(b"=")
        if key != wanted:
            raise ParseError(source, line, f"{wanted.decode()} is not where it belongs")
        values.append(value)
    if len(pairs) != len(values) or len(values) != len(_AVERAGES) + 1:
        raise ParseError(source, line, "is not four values")
    *averages, total = values
    avg10, avg60, avg300 = (_percent(value, source, line) for value in averages)
    return Pressure(avg10=avg10, avg60=avg60, avg300=avg300, total=words.number(total, source, line))


def _percent(word: bytes, source: str, line: int) -> float:
    # The kernel writes LOAD_INT "." LOAD_FRAC with two digits.
    whole, point, fraction = word.partition(b".")
    if not point or len(fraction) != 2:
        raise ParseError(source, line, "a share of time is not written with two decimals")
    return words.number(whole, source, line) + words.number(fraction, source, line) / 100
