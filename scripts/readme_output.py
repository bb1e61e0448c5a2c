"""Put a demo's real output of one pod between the README's markers.

usage: .venv/bin/python scripts/readme_output.py SNAPSHOT POD
"""

import sys
from pathlib import Path

import msgspec

from memcollect.documents.files import read_snapshot
from memcollect.explain import explain
from memcollect.reporters import table

BEGIN, END = "<!-- begin: real output -->", "<!-- end: real output -->"


def main(snapshot_name: str, pod_name: str) -> None:
    """Render the pod from a saved demo, as the demo itself prints it, and write the README."""
    snapshot = explain(read_snapshot(snapshot_name))
    pods = [pod for pod in snapshot.pods if pod.name == pod_name]
    text = table.render(msgspec.structs.replace(snapshot, pods=pods, missing=[]), width=80, details="all")
    title = f"{pods[0].namespace}/{pod_name}"
    body = text[text.index(f"\n{title}\n") :].strip()
    block = "\n".join(f"    {line}".rstrip() for line in body.splitlines())
    readme = Path("README.md")
    head, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    tail = rest.partition(END)[2]
    readme.write_text(f"{head}{BEGIN}\n\n{block}\n\n{END}{tail}", encoding="utf-8")


main(*sys.argv[1:])
