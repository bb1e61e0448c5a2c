"""`memcollect schema`: the JSON Schema of a document, for programs that read or check it."""

from __future__ import annotations

import click
from msgspec import Struct

from memcollect.commands.help_page import GroupedCommand
from memcollect.commands.options import typed, verbose_option
from memcollect.commands.output import deliver
from memcollect.schema.kinds import KINDS
from memcollect.schema.shipped import shipped

EPILOG = """\b
Examples:
  memcollect schema
  memcollect schema snapshot > snapshot.schema.json
  memcollect schema snapshot | jq '."$defs".Top.properties | keys'

docs/json.md says what you may rely on, and how to read documents with jq and pandas.
"""


class SchemaOptions(Struct, frozen=True, kw_only=True):
    """What `memcollect schema` was told."""

    document: str | None


@click.command("schema", cls=GroupedCommand, epilog=EPILOG)
@click.argument("document", required=False, type=click.Choice(list(KINDS)), metavar="[DOCUMENT]")
@verbose_option
@typed(SchemaOptions)
def command(options: SchemaOptions) -> int:
    """Print the JSON Schema (draft 2020-12) of DOCUMENT: every field with its meaning and unit.

    Without DOCUMENT it lists the documents there are. It measures nothing and needs no network.
    """
    deliver(_listed() if options.document is None else shipped(options.document), None, force=False)
    return 0


def _listed() -> str:
    width = max(map(len, KINDS))
    return "".join(f"{name:{width}}  {each.version}  {each.written_by}\n" for name, each in KINDS.items())
