"""Options that several commands share, what a command gets of them, and that each has a variable."""

from __future__ import annotations

import functools
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec
from click.core import ParameterSource
from msgspec import Struct

from memcollect.commands import complete
from memcollect.errors import UsageError
from memcollect.reporters.words import Details
from memcollect.units import duration_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    _SizeType = click.ParamType[int]
    _ChoiceType = click.Choice[str]
else:
    # The click that distributions have, 8.1 and 8.2, has no generic types.
    _SizeType = click.ParamType
    _ChoiceType = click.Choice

FORMATS = ("table", "markdown", "html", "json", "profile-v1", "profile-v1-markdown")
OLDER = "; profile-v1 and profile-v1-markdown are what the older profile script wrote."
FORMATS_TOLD = (
    "table for people, markdown for a pull request, html for one page with pictures, json for programs"
)
FORMAT_WORDS = (*FORMATS, "yaml", "wide")
"""What `-o` says to kubectl, and --format to us."""
NODE_FORMATS = ("table", "markdown", "html", "json")
OPPOSITES = ("namespaces", "all_namespaces")
STRENGTHS = {
    ParameterSource.COMMANDLINE: 3,
    ParameterSource.ENVIRONMENT: 2,
    ParameterSource.DEFAULT_MAP: 1,
}
Command = TypeVar("Command", bound="Callable[..., Any]")
Options = TypeVar("Options", bound=Struct)


class TargetOptions(Struct, frozen=True, kw_only=True):
    """Where the result goes."""

    output: Path | None = None
    """None: to standard output."""
    force: bool = False
    """Whether a file that is there may be overwritten."""


class FormatOptions(TargetOptions, frozen=True, kw_only=True):
    """How a document is shown, and where."""

    format_: str = "table"


class ReportOptions(FormatOptions, frozen=True, kw_only=True):
    """Likewise, and what of each pod."""

    details: Details = "auto"


class BoundOptions(Struct, frozen=True, kw_only=True):
    """How much measuring may cost."""

    timeout: float
    """Seconds for each agent, or for this machine."""
    process_ceiling: int
    """Bytes; of a process with a larger RSS only that is read."""


class MachineOptions(Struct, frozen=True, kw_only=True):
    """Where this machine's kernel files are."""

    root: str
    """Its root directory: of a recording that was named the place where it is laid out."""
    cgroup_root: str
    proc_root: str
    sys_root: str
    log_root: str


def typed(kind: type[Options]) -> Callable[[Callable[[Options], int]], Callable[..., int]]:
    """Let a command take all its options as one struct, which has a field for each, or for a group a struct.

    What click gives must be of the fields' types: msgspec.ValidationError is a fault of ours.
    """

    def decorate(command: Callable[[Options], int]) -> Callable[..., int]:
        @functools.wraps(command)
        def door(**values: Any) -> int:
            _yield_to_stronger(values)
            gathered = _gathered(kind, values)
            if values:
                raise TypeError(f"{kind.__name__} has no field for: {', '.join(values)}")
            return command(msgspec.convert(gathered, kind))

        return door

    return decorate


def _yield_to_stronger(values: dict[str, Any]) -> None:
    """Drop of two options that contradict each other the one that was said in the weaker place."""
    context = click.get_current_context(silent=True)
    if context is None or not all(values.get(name) for name in OPPOSITES):
        return
    strength = {
        name: STRENGTHS.get(context.get_parameter_source(name) or ParameterSource.DEFAULT, 0)
        for name in OPPOSITES
    }
    for name in OPPOSITES:
        if strength[name] < max(strength.values()):
            values[name] = type(values[name])()


def _gathered(kind: type[Struct], values: dict[str, Any]) -> dict[str, Any]:
    """Return the values by the fields of `kind`, taken out of `values`."""
    return {
        field.name: _gathered(field.type, values)
        if isinstance(field.type, type) and issubclass(field.type, Struct)
        else values.pop(field.name)
        for field in msgspec.structs.fields(kind)
    }


def option(*names: str, **attributes: Any) -> Callable[[Command], Command]:
    """Return a click option that can also be given as MEMCOLLECT_<LONG NAME>."""
    long_name = next(name for name in names if name.startswith("--")).split("/")[0]
    variable = "MEMCOLLECT_" + long_name.removeprefix("--").replace("-", "_").upper()
    attributes.setdefault("envvar", variable)
    if attributes.get("metavar") in ("FILE", "PATH", "DIR") and "type" not in attributes:
        attributes.setdefault("shell_complete", complete.files)
    return click.option(*names, **attributes)


class Duration(click.FloatRange):
    """A length of time in seconds; "120", "120s", "2m" and "1.5h" say one."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the seconds that `value` says, within the range."""
        written = duration_seconds(value.strip()) if isinstance(value, str) else None
        if written is None and not _is_number(value):
            self.fail(f"{value!r} is no length of time: write seconds, or 500ms, 20s, 2m, 1.5h.", param, ctx)
        return super().convert(value if written is None else written, param, ctx)


def _is_number(value: Any) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False


def clean_text(_context: click.Context, _parameter: click.Parameter, value: Any) -> Any:
    """Return text that can be written as UTF-8: bytes of the command line that are not are made visible."""
    if isinstance(value, tuple):
        return tuple(clean_text(_context, _parameter, each) for each in value)
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return value


SAMPLE = option(
    "--sample",
    default="unspecified",
    show_default=True,
    metavar="NAME",
    callback=clean_text,
    help="Name this moment, such as after-python.",
)
FORCE = option("--force", is_flag=True, help="Overwrite the file that -o names.")


def no_format(context: click.Context, _parameter: click.Parameter, value: Path | None) -> Path | None:
    """Return the file; end with wrong usage where a format is named, as -o takes it elsewhere."""
    if str(value) in FORMAT_WORDS and (known := formats_of(context.command)):
        meant = str(value) if str(value) in known else f"{', '.join(known[:-1])} or {known[-1]}"
        raise UsageError(
            f"-o names a file, and {str(value)!r} looks like a format.", f"Write --format {meant}."
        )
    return value


OUTPUT = option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    callback=no_format,
    help="Write to FILE instead of standard output: all of it, or nothing if it fails.",
)


class Format(_ChoiceType):
    """How something is written: of all formats there are, those that a command has.

    What the environment or the config file says is said to every command: one that has no such format takes
    its own default.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the format; end with wrong usage where the command has none of that name."""
        foreign = value in FORMATS and value not in self.choices
        if foreign and param is not None and ctx is not None:
            source = ctx.get_parameter_source(str(param.name))
            if source in {ParameterSource.ENVIRONMENT, ParameterSource.DEFAULT_MAP}:
                return param.default
        return super().convert(value, param, ctx)


def formats_of(command: click.Command) -> Sequence[str]:
    """Return what its --format takes; nothing where it has none."""
    return next((each.type.choices for each in command.params if isinstance(each.type, Format)), ())


def timeout_option(seconds: float, what: str) -> Callable[[Command], Command]:
    """Return --timeout, `seconds` unless it is given; `what` it is the time for."""
    return option(
        "--timeout",
        type=Duration(min=0, min_open=True, max=3600),
        default=f"{seconds:g}s",
        show_default=True,
        metavar="DURATION",
        help=what,
    )


def match_option(what: str) -> Callable[[Command], Command]:
    """Return --match, whose patterns choose `what` with --local."""
    return option(
        "--match",
        "patterns",
        multiple=True,
        metavar="PATTERN",
        callback=clean_text,
        help=f"With --local: {what}. May be repeated.",
    )


def report_options(function: Command) -> Command:
    """Add those of ReportOptions: --format, -o, --force and --details."""
    function = option(
        "--details",
        type=click.Choice(["auto", "all", "none"]),
        default="auto",
        show_default=True,
        help="Whether to show each pod in full. auto: up to 8 pods, or 32 with --include-processes; html "
        "folds the rest away.",
    )(function)
    return _format_options(function, FORMATS)


def node_report_options(function: Command) -> Command:
    """Add those of FormatOptions, without the formats that tell of pods alone."""
    return _format_options(function, NODE_FORMATS)


def _format_options(function: Command, formats: tuple[str, ...]) -> Command:
    function = OUTPUT(FORCE(function))
    return option(
        "--format",
        "format_",
        type=Format(formats),
        default="table",
        show_default=True,
        help=f"{FORMATS_TOLD} and for later" + (OLDER if formats == FORMATS else "."),
    )(function)


def is_verbose() -> bool:
    """Return whether -v was given to the command that runs now."""
    state = click.get_current_context().find_root().obj
    return isinstance(state, dict) and bool(state.get("verbose"))


class Size(_SizeType):
    """A number of bytes as Kubernetes writes it: "16Gi", "500M", "1073741824"."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the bytes; end with wrong usage where the text is no size."""
        if isinstance(value, int):
            return value
        # The default among them is understood without the official client, which takes a second to load.
        if plain := re.fullmatch("([1-9][0-9]{0,3})Gi", str(value)):
            return int(plain[1]) << 30
        from memcollect.sources.quantities import QuantityError, whole  # noqa: PLC0415

        try:
            size = whole(value)
        except QuantityError as error:
            self.fail(f"{error}; write it as 64Gi, 500Mi or a number of bytes", param, ctx)
        if size < 1:
            self.fail("must be at least one byte", param, ctx)
        return size


def process_ceiling_option(function: Command) -> Command:
    """Add --process-ceiling."""
    return option(
        "--process-ceiling",
        type=Size(),
        default="16Gi",
        show_default=True,
        metavar="SIZE",
        help="Skip PSS of processes with a larger RSS: reading it blocks their mmap for about 20 ms per GiB.",
    )(function)


def machine_options(function: Command) -> Command:
    """Add those of MachineOptions."""
    roots = (
        ("--log-root", "/var/log", "Where the names of pods are."),
        ("--sys-root", "/sys", "The machine's /sys."),
        ("--proc-root", "/proc", "The machine's /proc."),
        ("--cgroup-root", "/sys/fs/cgroup", "The cgroup v2 mount."),
    )
    function = option(
        "--root",
        default="/",
        show_default=True,
        is_eager=True,
        metavar="PATH",
        callback=_opened_root,
        help="The machine's root directory, or a recording (memcollect record): where the four above are.",
    )(function)
    for name, default, says in roots:
        function = option(
            name, default=default, show_default=True, metavar="PATH", callback=_below_root, help=says
        )(function)
    return function


def _opened_root(context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """Return the directory; a recording is laid out for as long as the command runs."""
    from memcollect.recording.archive import is_recording  # noqa: PLC0415 # as below
    from memcollect.recording.replay import replayed  # noqa: PLC0415 # only where it is asked for

    if value == "/" or context.resilient_parsing:
        return value
    if is_recording(value):
        return context.with_resource(replayed(value))
    try:
        there = Path(value).is_dir()
    except OSError as error:
        raise UsageError(f"{value} cannot be read: {error.strerror}.", "Name another with --root.") from error
    if not there:
        raise UsageError(f"{value} is neither a directory nor a recording.", "Name one of them with --root.")
    return value


def _below_root(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Return what was given, or the usual place below the root."""
    root = context.params.get("root", "/").rstrip("/")
    usual = context.get_parameter_source(parameter.name or "") is ParameterSource.DEFAULT
    return f"{root}{value}" if usual else value


def verbose_option(function: Command) -> Command:
    """Add -v, which main reads again where something unforeseen is raised."""

    def remember(context: click.Context, _parameter: click.Parameter, value: bool) -> bool:  # noqa: FBT001 (click's signature)
        state = context.find_root().ensure_object(dict)
        state["verbose"] = state.get("verbose", False) or value
        return value

    return option(
        "-v",
        "--verbose",
        is_flag=True,
        expose_value=False,
        callback=remember,
        help="Say more on standard error, and show the traceback of an unexpected error.",
    )(function)
