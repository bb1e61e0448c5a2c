"""`memcollect profile`: run a plan's phases, settle, measure, and leave a bundle of it all."""

from __future__ import annotations

import contextlib
import functools
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

import click
from msgspec import Struct

from memcollect.commands import complete
from memcollect.commands.connection import ClusterOptions, cluster_options
from memcollect.commands.help_page import GroupedCommand
from memcollect.commands.interruption import Interruption, interruption
from memcollect.commands.options import (
    BoundOptions,
    clean_text,
    option,
    process_ceiling_option,
    timeout_option,
    typed,
    verbose_option,
)
from memcollect.commands.output import say
from memcollect.commands.taking import EXIT_INCOMPLETE, EXIT_INTERRUPTED, EXIT_OK
from memcollect.errors import CollectorError, UsageError

if TYPE_CHECKING:
    from memcollect.profile.begin import Text
    from memcollect.profile.begun import Begun
    from memcollect.profile.plan.model import Plan, Source, Template
    from memcollect.profile.tools import Tools, Workshop
    from memcollect.sources.api import Api

EPILOG = """\b
Examples:
  memcollect profile guide --check
  memcollect profile guide -o aio
  memcollect profile guide --source deerflow --backend aio -o aio
  memcollect profile plans/guide.toml --source gvisor.toml --backend gvisor -o gvisor
  memcollect profile --resume aio
  memcollect profile --clean aio

Exit codes: 0 every phase done and settled; 1 failed; 2 wrong usage, or mistakes in the plan;
3 the bundle is written, but a phase failed, did not settle, or something is missing;
130 Ctrl-C: what was measured is kept, and --resume goes on with it.
"""


class ProfileOptions(Struct, frozen=True, kw_only=True):
    """What `memcollect profile` was told."""

    plan: str
    output: Path | None
    source: str | None
    backend: str
    check: bool
    resume: Path | None
    clean: Path | None
    bounds: BoundOptions
    cluster: ClusterOptions


@click.command("profile", cls=GroupedCommand, epilog=EPILOG)
@click.argument("plan", required=False, default="", callback=clean_text, shell_complete=complete.plans)
@option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write the bundle to this new directory.",
)
@option(
    "--source",
    metavar="FILE",
    callback=clean_text,
    shell_complete=complete.sources,
    help="Take [source] from this TOML file instead of the plan.",
)
@option(
    "--backend",
    default="",
    callback=clean_text,
    metavar="NAME",
    help="What comparisons call the source. [default: the plan's name for it]",
)
@option("--check", is_flag=True, help="Only say what the plan would do, or every mistake in it.")
@option("--resume", type=click.Path(path_type=Path), metavar="DIR", help="Go on with an interrupted run.")
@option("--clean", type=click.Path(path_type=Path), metavar="DIR", help="Delete what a run left behind.")
@timeout_option(30.0, "How long each agent may take.")
@process_ceiling_option
@cluster_options
@verbose_option
@typed(ProfileOptions)
def command(options: ProfileOptions) -> int:
    """Run a plan: make sandboxes, run its phases in them, measure after each, and delete them.

    PLAN is a TOML file, or the name of a plan that comes with memcollect ("guide").
    """
    ways = [way for way in (options.plan, options.resume, options.clean) if way]
    if len(ways) != 1:
        raise UsageError("Give a PLAN, or --resume DIR, or --clean DIR.", "See `memcollect profile --help`.")
    if options.check:
        return _check(options)
    text = _text(options) if options.plan else None
    if text is not None:
        text.parsed()  # its mistakes are told whether or not there is a cluster
    with at_work(options.cluster) as (workshop, tools):
        if options.clean:
            return clean(options.clean, workshop, tools)
        going = Going(options.cluster, options.bounds, workshop, tools)
        if text is None:
            return _go_on(options, going)
        return run_new(text, options.output, options.backend, going)


def _text(options: ProfileOptions) -> Text:
    from memcollect.profile.begin import read_text  # noqa: PLC0415 # the official client takes a second

    return read_text(options.plan, options.source)


def _check(options: ProfileOptions) -> int:
    if not options.plan:
        raise UsageError("--check needs a PLAN.", "See `memcollect profile --help`.")
    text = _text(options)
    code = check(text)
    check_cluster(text.parsed(), options.cluster)
    return code


def check_cluster(plan: Plan, options: ClusterOptions) -> None:
    """Say what the cluster would make of the plan now. Raises DeniedError for rights that lack.

    So a run does. A cluster that cannot be asked is no mistake of the plan.
    """
    from memcollect.profile.needs import require, rights_of  # noqa: PLC0415 # as there
    from memcollect.sources.version import server_version  # noqa: PLC0415

    rights = rights_of(plan, options.agent_namespace)
    if not rights:
        return
    with contextlib.ExitStack() as stack:
        try:
            _, tools = stack.enter_context(at_work(options))
            # Of a server that is not there no review would say why.
            server_version(tools.api)
        except CollectorError as error:
            clone = "which pod would be cloned, and " if _clones(plan.source) else ""
            say(f"{clone}whether you have the rights that it needs cannot be told now: {error}")
            return
        _tell_clone(plan.source, tools.api)
        require(tools.api, rights)


def _clones(source: Source) -> TypeGuard[Template]:
    from memcollect.profile.plan.model import Template  # noqa: PLC0415 # as there

    return isinstance(source, Template) and bool(source.clone)


def _tell_clone(source: Source, api: Api) -> None:
    """Say which pod the plan would clone now."""
    from memcollect.profile.sandboxes.template import pod_to_clone  # noqa: PLC0415 # as there

    if not _clones(source):
        return
    try:
        name = pod_to_clone(api, source)
    except CollectorError as error:
        say(f"which pod would be cloned cannot be told now: {error}")
        return
    click.echo(f"Each sandbox would be a copy of the pod {source.namespace}/{name}.")


def check(text: Text) -> int:
    """Print what a plan would do. Raises PlanError, which has every mistake in it."""
    from memcollect.profile.plan.describe import description  # noqa: PLC0415 # as there

    plan = text.parsed()
    click.echo(description(plan))
    _warn(plan)
    return EXIT_OK


def _warn(plan: Plan) -> None:
    from memcollect.profile.plan.cautions import cautions  # noqa: PLC0415
    from memcollect.profile.plan.describe import left_out  # noqa: PLC0415

    if plan.left_out:
        say(left_out(plan))
    for each in cautions(plan):
        say(f"warning: {each}")


@contextlib.contextmanager
def at_work(options: ClusterOptions) -> Iterator[tuple[Workshop, Tools]]:
    """Give what a run asks the cluster with."""
    from memcollect.profile.tools import Workshop  # noqa: PLC0415 # the official client takes a second
    from memcollect.sources.api import Patience  # noqa: PLC0415

    seconds = options.request_timeout
    patience = Patience(timeout=seconds, total=3 * seconds)
    workshop = Workshop(functools.cache(lambda: options.cluster), patience, options.workers)
    tools = workshop.tools()
    try:
        yield workshop, tools
    finally:
        tools.close()


@dataclass(frozen=True)
class Going:
    """What a run asks with, and how its agents are asked."""

    cluster: ClusterOptions
    bounds: BoundOptions
    workshop: Workshop
    tools: Tools


def run_new(text: Text, output: Path | None, backend: str, going: Going) -> int:
    """Run a plan; return the exit code. Its bundle is this process's alone meanwhile."""
    from memcollect.profile.begin import begin  # noqa: PLC0415
    from memcollect.profile.begun import alone  # noqa: PLC0415

    plan = text.parsed()
    _require(plan, going)
    directory = output or Path(f"{plan.name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    with interruption() as ctrl_c, _like_ctrl_c(ctrl_c):
        ctrl_c.requested()
        begun = begin(text, directory, backend, going.tools, ctrl_c.requested)
        with alone(directory):
            return _run(begun, going, ctrl_c)


def _go_on(options: ProfileOptions, going: Going) -> int:
    """Go on with a run, read only once its bundle is ours: another process may have gone on until now."""
    from memcollect.profile.begun import alone  # noqa: PLC0415
    from memcollect.profile.going_on import resume  # noqa: PLC0415

    if options.source or options.backend or options.output:
        raise UsageError("--resume goes on as the run was begun.", "Leave --source, --backend and -o out.")
    assert options.resume is not None  # noqa: S101 # the caller has looked
    with interruption() as ctrl_c, _like_ctrl_c(ctrl_c):
        ctrl_c.requested()
        with alone(options.resume):
            begun = resume(options.resume, going.tools)
            _require(begun.plan, going)
            return _run(begun, going, ctrl_c)


def _require(plan: Plan, going: Going) -> None:
    from memcollect.profile.needs import require, rights_of  # noqa: PLC0415

    rights = rights_of(plan, going.cluster.agent_namespace)
    if rights:
        require(going.tools.api, rights)


def _run(begun: Begun, going: Going, ctrl_c: Interruption) -> int:
    from memcollect.profile.assemble import Asked, assembled  # noqa: PLC0415
    from memcollect.profile.sandboxes.choose import closed  # noqa: PLC0415

    if begun.record.manifest.finished_at is not None:
        say(f"the run in {begun.directory} is whole already")
        return EXIT_OK
    say(f"run {begun.record.manifest.run_id} of {begun.plan.name}, in {begun.directory}")
    _warn(begun.plan)
    asked = Asked(going.cluster.deployment, going.cluster.limits(going.bounds), ctrl_c.requested)
    run = assembled(begun, going.workshop, going.tools, asked, say)
    try:
        if begun.events:
            run.missing += run.cleaner.sweep(begun.events)
        whole = run.run()
    finally:
        run.missing += closed(begun.source)
    # The page names the manifest's hash, and the manifest may be another process's afterwards.
    return _ended(begun, whole=whole, faults=[each.detail for each in run.missing])


@contextlib.contextmanager
def _like_ctrl_c(ctrl_c: Interruption) -> Iterator[None]:
    """Take SIGTERM, which a job's cancellation sends, for Ctrl-C: sandboxes must not outlive the run."""
    before = signal.signal(signal.SIGTERM, ctrl_c.handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def clean(directory: Path, workshop: Workshop, tools: Tools) -> int:
    """Delete what a run has left; return the exit code."""
    from memcollect.profile.assemble import cleaner_of  # noqa: PLC0415
    from memcollect.profile.begun import alone  # noqa: PLC0415
    from memcollect.profile.evidence.trying import environment  # noqa: PLC0415
    from memcollect.profile.going_on import to_clean  # noqa: PLC0415
    from memcollect.profile.sandboxes.choose import closed  # noqa: PLC0415
    from memcollect.profile.starting import swept  # noqa: PLC0415

    with alone(directory):
        begun = to_clean(directory, tools)
        for problem in begun.altered:
            say(f"{problem}; that does not matter for cleaning up")
        as_made = _is_as_made(directory)
        try:
            faults = cleaner_of(begun, workshop, tools, say).sweep(begun.events)
        finally:
            left = closed(begun.source)
        run = f"mc-{begun.record.manifest.run_id}"
        faults = [*faults, *left, *swept(begun.plan, run, environment())]
        if begun.record.save() and as_made:
            _write_page(begun)
    for each in faults:
        say(f"{each.name} was not deleted: {each.detail}")
    count = "1 sandbox is left" if len(faults) == 1 else f"{len(faults)} sandboxes are left"
    say(count if faults else "nothing of the run is left")
    return EXIT_INCOMPLETE if faults else EXIT_OK


def _ended(begun: Begun, *, whole: bool, faults: list[str]) -> int:
    _write_page(begun)
    manifest = begun.record.manifest
    for each in dict.fromkeys(faults):
        say(each)
    if not whole:
        say(f"interrupted: go on with `memcollect profile --resume {begun.directory}`")
        return EXIT_INTERRUPTED
    bad = [run for run in manifest.phases if run.status != "ok"]
    lost = [each for run in manifest.phases for each in run.missing]
    count = "1 phase" if len(manifest.phases) == 1 else f"{len(manifest.phases)} phases"
    say(f"{count}, {len(bad)} of them not as planned; the bundle is {begun.directory}")
    return EXIT_INCOMPLETE if bad or lost or faults else EXIT_OK


def _write_page(begun: Begun) -> None:
    """Put the page into the bundle; where it cannot be made the measurements are as good without it."""
    from memcollect.commands.profile_page import page_of  # noqa: PLC0415
    from memcollect.documents.run import REPORT_NAME  # noqa: PLC0415

    try:
        begun.record.page(page_of(begun.directory))
    except (CollectorError, ValueError, ArithmeticError, LookupError, TypeError) as error:
        say(f"no {REPORT_NAME} was made: {error}")


def _is_as_made(directory: Path) -> bool:
    """Return whether the bundle has its page, and nobody has edited it."""
    from memcollect.commands.profile_page import page_of  # noqa: PLC0415
    from memcollect.documents.files import read_bytes  # noqa: PLC0415
    from memcollect.documents.run import REPORT_NAME  # noqa: PLC0415

    try:
        return read_bytes(str(directory / REPORT_NAME)) == page_of(directory).encode()
    except (CollectorError, ValueError, ArithmeticError, LookupError, TypeError):
        return False
