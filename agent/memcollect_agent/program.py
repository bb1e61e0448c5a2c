"""What `memcollect-agent` does: parse the command line, call, print."""

import argparse
import logging
import os
import sys
from collections.abc import Callable

import msgspec

import memcollect_agent
from memcollect_agent.errors import AgentError
from memcollect_agent.measure.sample import Roots, sample_node
from memcollect_agent.serve import command as serve_command
from memcollect_agent.streams import write_out
from memcollect_agent.wire import DEFAULT_CEILING_BYTES, SampleRequest

_log = logging.getLogger("memcollect_agent")

Command = Callable[[argparse.Namespace], int]
"""What a subcommand does with its parsed options; returns the exit code."""


def run(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code: 0, 1 (failed), 2 (wrong usage) or 130 (interrupted)."""
    try:
        options = _parser().parse_args(arguments)
    except SystemExit:
        # argparse has written the help, and looks away where nobody could read it.
        if failure := write_out():
            return _failed(_unwritten(failure))
        raise
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if options.verbose else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
    )
    command: Command = options.command
    try:
        return command(options)
    except AgentError as error:
        _log.debug("the error in full", exc_info=True)
        return _failed(str(error))
    except KeyboardInterrupt:
        return 130


def _failed(sentence: str) -> int:
    sys.stderr.write(f"memcollect-agent: {sentence}\n")
    return 1


def _unwritten(failure: OSError) -> str:
    return f"standard output could not be written: {failure.strerror or failure}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="memcollect-agent", description="Measures the memory of this node's pods; it only reads."
    )
    parser.add_argument("--version", action="version", version=memcollect_agent.__version__)
    subcommands = parser.add_subparsers(required=True, metavar="COMMAND")
    for register in (_register_sample, _register_serve):
        register(subcommands)
    return parser


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the options that every subcommand has: the three roots and -v."""
    default = Roots()
    parser.add_argument("--proc", default=default.proc, metavar="DIR", help="the host's proc (%(default)s)")
    parser.add_argument(
        "--cgroup", default=default.cgroup, metavar="DIR", help="the host's cgroup v2 mount (%(default)s)"
    )
    parser.add_argument("--sys", default=default.sys, metavar="DIR", help="the host's sysfs (%(default)s)")
    parser.add_argument(
        "--allow-full-commands", action="store_true", help="permit whole command lines (still masked)"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="tell on stderr what is done")


def roots_of(options: argparse.Namespace) -> Roots:
    """Return the roots that add_common_options() gave `options`."""
    return Roots(proc=options.proc, cgroup=options.cgroup, sys=options.sys)


def _register_sample(subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subcommands.add_parser("sample", help="measure once and print one NodeSample as JSON")
    add_common_options(parser)
    parser.add_argument(
        "--pod", action="append", metavar="UID", help="only this pod; may be given again (default: every pod)"
    )
    parser.add_argument(
        "--unit",
        action="append",
        metavar="PATTERN",
        help="also containers and services outside Kubernetes whose name matches; may be given again",
    )
    parser.add_argument(
        "--processes",
        type=_count,
        default=0,
        metavar="N",
        help="list the N largest processes of each container",
    )
    parser.add_argument(
        "--budget", type=_seconds, default=10.0, metavar="SECONDS", help="time for processes (%(default)s)"
    )
    parser.add_argument(
        "--ceiling",
        type=_count,
        default=DEFAULT_CEILING_BYTES,
        metavar="BYTES",
        help="of a process with a larger RSS only RSS is read (%(default)s)",
    )
    parser.set_defaults(command=_sample)


def _sample(options: argparse.Namespace) -> int:
    request = SampleRequest(
        pod_uids=options.pod,
        units=options.unit,
        process_limit=options.processes,
        full_commands=options.allow_full_commands,
        time_budget_seconds=options.budget,
        process_ceiling_bytes=options.ceiling,
    )
    sample = sample_node(
        request,
        roots_of(options),
        node_name=os.environ.get("MEMCOLLECT_NODE_NAME"),
        allow_full_commands=options.allow_full_commands,
    )
    _log.debug("%d pods, %d problems, cost %s", len(sample.pods), len(sample.problems), sample.cost)
    if failure := write_out(msgspec.json.encode(sample).decode() + "\n"):
        raise AgentError(_unwritten(failure))
    return 0


def _register_serve(subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subcommands.add_parser("serve", help="answer over HTTP on this pod's loopback until SIGTERM")
    add_common_options(parser)
    serve_command.add_options(parser)
    parser.set_defaults(command=lambda options: serve_command.serve(options, roots_of(options)))


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < 86400:
        raise argparse.ArgumentTypeError("must be more than 0 and less than a day")
    return value
