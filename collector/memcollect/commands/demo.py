"""`memcollect demo`: sandbox-like pods on a real kernel, measured and explained, without a cluster."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from memcollect.commands.options import clean_text, option, output_options, verbose_option
from memcollect.commands.output import check_output, deliver, say
from memcollect.commands.reports import report

if TYPE_CHECKING:
    from memcollect.reporters.words import Details

EPILOG = """\b
Examples:
  memcollect demo
  memcollect demo --details none
  memcollect demo --format json -o demo.json && memcollect explain demo.json sandbox-shm
"""

NEXT = (
    "every number above is a real kernel's; `top` was computed by cAdvisor's formula seconds before.",
    "keep the document: memcollect demo --format json -o demo.json",
    "one pod of it in full, offline: memcollect explain demo.json sandbox-init-tmpfs",
    "a machine of your own (cgroup v2, as root): memcollect snapshot --local",
)


@click.command("demo", epilog=EPILOG)
@option(
    "--kernel",
    metavar="VERSION",
    callback=clean_text,
    help='A User-Mode Linux kernel that was fetched ("7.2"), or "host" for a scratch cgroup of this machine. '
    "Left out: this machine's own cgroups where that is possible, else the installed User-Mode Linux.",
)
@output_options
@verbose_option
def command(*, kernel: str | None, **options: Any) -> int:
    """Run the whole thing on a real kernel in about a minute: no cluster, nothing left behind.

    Twelve sandbox-like pods are laid out as a kubelet would and filled, each in its own way; then
    `memcollect snapshot --local` measures them there.
    """
    # Imported here: bad options are told without it.
    from memcollect.documents import read_snapshot  # noqa: PLC0415
    from memcollect.explain import explain  # noqa: PLC0415
    from memcollect.lab.demo import run_demo  # noqa: PLC0415

    check_output(options["output"], force=options["force"])
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="memcollect-") as directory:
        document = run_demo(Path(directory), say, kernel)
        snapshot = explain(read_snapshot(str(document)))
    to_file = options["output"] is not None
    details: Details = "all" if options["details"] == "auto" else options["details"]
    text = report(snapshot, options["format_"], to_file=to_file, details=details)
    deliver(text, options["output"], force=options["force"])
    say(f"done in {time.monotonic() - began:.0f} s. What to try next:")
    for line in NEXT:
        say(line)
    return 0
