"""docs/archive.md: its statements, and the tables as it must describe them."""

import re
from inspect import getdoc
from pathlib import Path

from memcollect.archive.columns import PARTITIONS, TABLES, columns_of

PAGE = Path(__file__).parents[2] / "docs/archive.md"
KINDS = {"str": "text", "int": "integer", "bool": "boolean", "datetime": "time"}
_QUESTION = re.compile(r"^### (.+?)\n.*?^```sql\n(.+?)^```", re.MULTILINE | re.DOTALL)


def questions() -> dict[str, str]:
    """Return the statement of each question that the page answers."""
    text = PAGE.read_text(encoding="utf-8")
    return dict(_QUESTION.findall(text.partition("## Six questions")[2].partition("## Other engines")[0]))


def views(archive: Path) -> str:
    """Return the page's statements that the questions come after, on an archive elsewhere."""
    text = PAGE.read_text(encoding="utf-8").partition("## Six questions")[2]
    statements = text.partition("```sql\n")[2].partition("```")[0]
    return statements.replace("'archive/", f"'{archive}/")


def tables() -> str:
    """Return the page's last part: every table with its columns."""
    return "\n".join([*map(_table, TABLES), _partitions()])


def _table(name: str) -> str:
    rows = [
        f"| {each.name} | {KINDS[each.kind.__name__]}{'?' if each.may_be_null else ''} | {each.meaning} |"
        for each in columns_of(name)
    ]
    return "\n".join(
        [
            f"### {name}\n",
            f"{getdoc(TABLES[name])}\n",
            "| column | type | meaning |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def _partitions() -> str:
    kinds = {"date": "date", "cluster": "text"}
    rows = [f"| {name} | {kinds[name]} | {meaning} |" for name, meaning in PARTITIONS.items()]
    return "\n".join(["### In every table\n", "| column | type | meaning |", "|---|---|---|", *rows, ""])
