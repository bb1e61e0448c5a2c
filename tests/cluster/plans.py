"""Small plans for `memcollect profile`, whose sandboxes are pods of the tests' own."""

import json
from pathlib import Path

from cluster.pods import LABEL, Kit

HOLDING = "held = hold(8)\nstay()"


def plan(
    directory: Path, place: str, kit: Kit, phases: str = '[[phases]]\nname = "empty"\ndo = "nothing"\n'
) -> Path:
    """Write a plan of one repeat, whose sandboxes are pods of ours in the namespace `place`."""
    manifest = kit.pod("sandbox", kit.container("main", HOLDING))
    manifest["metadata"] = {"labels": {LABEL: kit.namespace}}
    (directory / "sandbox.json").write_text(json.dumps(manifest))
    file = directory / "plan.toml"
    file.write_text(
        'schema = 1\nname = "small"\nversion = "1"\nrepeats = 1\n\n[source]\nkind = "template"\n'
        f'namespace = "{place}"\nfile = "sandbox.json"\ncontainer = "main"\nready_within = "240s"\n\n'
        '[settle]\nwithin = "1Mi"\nover = "5s"\nat_most = "120s"\n\n'
        f"{phases}"
    )
    return file
