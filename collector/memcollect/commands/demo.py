"""`memcollect demo`: sandbox-like pods on a real kernel, measured and explained, without a cluster."""

from __future__ import annotations

import shlex
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
import msgspec
from msgspec import Struct

from memcollect.commands.help_page import GroupedCommand
from memcollect.commands.options import (
    ReportOptions,
    clean_text,
    option,
    report_options,
    typed,
    verbose_option,
)
from memcollect.commands.output import check_output, deliver, report_width, say
from memcollect.commands.reports import IN_UTF8, report
from memcollect.errors import UsageError

if TYPE_CHECKING:
    from memcollect.lab.demo import Played
    from memcollect.lab.demo_cluster import Runs
    from memcollect.reporters.words import Details

EPILOG = """\b
Examples:
  memcollect demo
  memcollect demo --details none
  memcollect demo --format html -o demo.html
  memcollect demo --format json -o demo.json && memcollect explain demo.json sandbox-shm
  memcollect demo --run doctor
  memcollect demo --run 'snapshot --sample after-python' --run 'snapshot -A --selector ""'
  memcollect demo --empty --pace swift --run 'profile guide --source lab-disk -o disk'
"""

NOTE = (
    "The demo's own: `top` is served by a stand-in for API server and metrics-server, from readings by "
    "cAdvisor's formula that come {pace}. Kernel, pods and agent are real."
)
LATENESS = {"quick": "half as late as in a cluster", "real": "as late as in a cluster"}
NOTE_LOCAL = (
    "The demo's own: `top` was computed by cAdvisor's formula, a few seconds before the rest was measured."
)
NEXT = (
    "keep the document: memcollect demo --format json -o demo.json",
    "one pod of it in full, offline: memcollect explain demo.json sandbox-growing",
    "any command in the demo's cluster: memcollect demo --run doctor",
    "your own cluster: memcollect doctor, then memcollect snapshot -n NAMESPACE",
)


class DemoOptions(Struct, frozen=True, kw_only=True):
    """What `memcollect demo` was told."""

    kernel: str | None
    commands: tuple[str, ...]
    pace: Literal["quick", "real", "swift"]
    empty: bool
    report: ReportOptions


@click.command("demo", cls=GroupedCommand, epilog=EPILOG)
@option(
    "--kernel",
    metavar="VERSION",
    callback=clean_text,
    help='A User-Mode Linux kernel ("7.2"), fetched if it is not here, or "host" for a scratch cgroup of '
    "this machine. [default: host where that is possible, else User-Mode Linux]",
)
@option(
    "--run",
    "commands",
    metavar="COMMAND",
    multiple=True,
    callback=clean_text,
    help="Run this memcollect command in the demo's cluster instead of the snapshot; repeat it for more.",
)
@option(
    "--pace",
    type=click.Choice(["quick", "real", "swift"]),
    default="quick",
    show_default=True,
    help="How old the metrics API's numbers are. real: as in a cluster (each container read every 10 to "
    "20 s, all collected every 15 s); quick: half of that; swift: a second.",
)
@option(
    "--empty",
    is_flag=True,
    help="Leave the thirteen pods out, for commands that make sandboxes of their own, such as `profile`; "
    "with --run.",
)
@report_options
@verbose_option
@typed(DemoOptions)
def command(options: DemoOptions) -> int:
    """See all of it on a real kernel in a minute or two, without a cluster; nothing is left behind.

    It makes thirteen sandbox-like pods as a kubelet would, fills each in its own way, starts an agent and an
    API server of its own, and runs `memcollect snapshot` on them.
    """
    check_output(options.report.output, force=options.report.force)
    if options.empty and not options.commands:
        raise UsageError("--empty leaves nothing to look at.", "Add --run COMMAND, or leave it out.")
    began = time.monotonic()
    runs = _runs(options.commands, options.pace, empty=options.empty)
    with tempfile.TemporaryDirectory(prefix="memcollect-") as directory:
        played = _play(Path(directory), options.kernel, runs)
        if played.snapshot is None:
            return _show(played)
        note = NOTE.format(pace=LATENESS[options.pace]) if runs else NOTE_LOCAL
        _deliver(played.snapshot, note, options.report)
    say(f"done in {time.monotonic() - began:.0f} s. What to try next:")
    for line in NEXT:
        say(line)
    return 0


def _runs(commands: tuple[str, ...], pace: str, *, empty: bool) -> Runs | None:
    """Return what to do in the cluster; None where there can be none, which is said."""
    # Imported here: bad options are told without it.
    from memcollect.lab.cluster import absent_libraries  # noqa: PLC0415
    from memcollect.lab.demo_cluster import Runs  # noqa: PLC0415

    try:
        words = [shlex.split(each) for each in commands]
    except ValueError as error:
        raise UsageError(f"--run cannot be read: {error}.", "Quote it as for a shell.") from error
    absent = absent_libraries()
    if not absent:
        return Runs(commands=words, directory=str(Path.cwd()), columns=report_width(), pace=pace, empty=empty)
    remedy = "pip install 'memcollect[demo]'"
    if words:
        raise UsageError(f"The demo's cluster needs {', '.join(absent)}.", f"Install them with: {remedy}")
    say(f"without {', '.join(absent)} there is no cluster, only this machine; to have one: {remedy}")
    return None


def _play(directory: Path, kernel: str | None, runs: Runs | None) -> Played:
    from memcollect.lab.demo import run_demo  # noqa: PLC0415

    return run_demo(directory, say, kernel, runs)


def _show(played: Played) -> int:
    for ran in played.ran:
        deliver(ran.output, None, force=False)
    return next((ran.exit_code for ran in played.ran if ran.exit_code), 0)


def _deliver(document: Path, note: str, options: ReportOptions) -> None:
    from memcollect.documents.files import read_snapshot  # noqa: PLC0415
    from memcollect.explain import explain  # noqa: PLC0415

    stored = read_snapshot(str(document))
    snapshot = explain(msgspec.structs.replace(stored, notes=[*stored.notes, note]))
    to_file = options.output is not None
    details: Details = "all" if options.details == "auto" else options.details
    text = report(snapshot, options.format_, to_file=to_file, details=details)
    deliver(text, options.output, force=options.force, in_utf8=options.format_ in IN_UTF8)
