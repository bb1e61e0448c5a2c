"""The options of `memcollect-agent serve`."""

import argparse
import os

from memcollect_agent.history import Settings
from memcollect_agent.measure.sample import Roots
from memcollect_agent.metrics.catalogue import SETS
from memcollect_agent.metrics.node import Limits
from memcollect_agent.serve import addresses
from memcollect_agent.serve.metrics import MetricsOptions
from memcollect_agent.serve.run import Options, run
from memcollect_agent.serve.service import Permissions

MAX_DEPTH = 1000

_PSS_IN_CORE = (
    "--metrics-series core has no PSS, so --metrics-pss-interval would measure it for nobody: "
    "take --metrics-series all, or leave out --metrics-pss-interval"
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give `parser` what only this subcommand has."""
    default, history = Options(), Settings()
    parser.add_argument(
        "--listen",
        type=_address,
        default=default.listen,
        metavar="ADDRESS",
        help="on the loopback (%(default)s)",
    )
    parser.add_argument(
        "--health-listen",
        type=_address_or_off,
        default=default.health_listen,
        metavar="ADDRESS",
        help='for the kubelet\'s probe, "off" for none (%(default)s)',
    )
    parser.add_argument(
        "--max-seconds",
        type=_number(0.1, 600),
        default=default.permissions.max_seconds,
        metavar="SECONDS",
        help="the largest time budget of a request (%(default)s)",
    )
    parser.add_argument(
        "--history", choices=("on", "off"), default="on", help="keep points of the last minutes (%(default)s)"
    )
    parser.add_argument(
        "--history-interval",
        type=_number(0.5, 60),
        default=history.interval_seconds,
        metavar="SECONDS",
        help="between two points (%(default)s)",
    )
    parser.add_argument(
        "--history-depth",
        type=_number(2, MAX_DEPTH),
        default=history.depth,
        metavar="POINTS",
        help="kept of each cgroup (%(default)s)",
    )
    _add_metrics_options(parser)
    parser.set_defaults(wrong_usage=parser.error)


def _add_metrics_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--metrics-listen",
        type=_address_or_off,
        default=None,
        metavar="ADDRESS",
        help='serve /metrics for a Prometheus that can reach ADDRESS (default: "off")',
    )
    parser.add_argument(
        "--metrics-pss-interval",
        type=_number(10, 86_400),
        default=None,
        metavar="SECONDS",
        help="also sum up PSS, by a pass over all processes this often (default: never)",
    )
    parser.add_argument(
        "--metrics-max-containers",
        type=_number(1, 20_000),
        default=Limits().max_containers,
        metavar="N",
        help="of the node on the page (%(default)s)",
    )
    parser.add_argument(
        "--metrics-series",
        choices=SETS,
        default="all",
        help="core: at most eight of a container, for large fleets; docs/metrics.md (%(default)s)",
    )


def serve(options: argparse.Namespace, roots: Roots) -> int:
    """Serve until told to stop; return the exit code. Raises ListenError."""
    history = Settings(interval_seconds=options.history_interval, depth=int(options.history_depth))
    run(
        Options(
            listen=options.listen,
            health_listen=options.health_listen,
            metrics=_metrics(options),
            roots=roots,
            node_name=os.environ.get("MEMCOLLECT_NODE_NAME"),
            history=history if options.history == "on" else None,
            permissions=Permissions(
                full_commands=options.allow_full_commands, max_seconds=options.max_seconds
            ),
        )
    )
    return 0


def _metrics(options: argparse.Namespace) -> MetricsOptions | None:
    if options.metrics_listen is None:
        return None
    if options.metrics_series == "core" and options.metrics_pss_interval is not None:
        options.wrong_usage(_PSS_IN_CORE)
    return MetricsOptions(
        listen=options.metrics_listen,
        limits=Limits(max_containers=int(options.metrics_max_containers)),
        pss_interval_seconds=options.metrics_pss_interval,
        series=options.metrics_series,
    )


def _address(text: str) -> addresses.Address:
    try:
        return addresses.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _address_or_off(text: str) -> addresses.Address | None:
    return None if text == "off" else _address(text)


class _number:  # noqa: N801 - used like argparse's own types
    """A number from `least` to `most`."""

    def __init__(self, least: float, most: float) -> None:
        self._least = least
        self._most = most

    def __call__(self, text: str) -> float:
        value = float(text)
        if not self._least <= value <= self._most:
            raise argparse.ArgumentTypeError(f"must be from {self._least:g} to {self._most:g}")
        return value
