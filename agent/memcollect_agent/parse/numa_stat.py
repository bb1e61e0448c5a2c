"""memory.numa_stat: memory.stat's main fields by NUMA node, in bytes or counts.

anon N0=40960 N1=0
file N0=716800 N1=4096
"""

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import words


def parse(data: bytes, source: str) -> dict[str, dict[str, int]]:
    """Return {field: {"N0": number}}."""
    fields: dict[str, dict[str, int]] = {}
    for count, line in enumerate(words.lines_of(data, source), 1):
        word, *pairs = line.split(b" ")
        key = words.name(word, source, count)
        if key in fields:
            raise ParseError(source, count, f"{key} comes a second time")
        fields[key] = _nodes(pairs, source, count)
    return fields


def _nodes(pairs: list[bytes], source: str, line: int) -> dict[str, int]:
    nodes: dict[str, int] = {}
    for pair in pairs:
        node, _, value = pair.partition(b"=")
        if node[:1] != b"N" or not node[1:].isdigit():
            raise ParseError(source, line, "a column is not a node (N0=…)")
        words.put(nodes, words.name(node, source, line), words.number(value, source, line), source, line)
    return nodes
