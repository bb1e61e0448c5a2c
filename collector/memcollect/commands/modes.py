"""Which options go with `--local` and which with a cluster: what cannot have an effect is refused."""

from __future__ import annotations

from collections.abc import Sequence

import click
from click.core import ParameterSource

from memcollect.errors import UsageError

CLUSTER_ONLY = (
    "namespaces",
    "all_namespaces",
    "nodes",
    "selector",
    "field_selector",
    "context",
    "kubeconfig",
    "concurrency",
    "jobs",
    "depth",
    "request_timeout",
    "agent_namespace",
    "agent_selector",
    "agent_port",
)
MEASURED_ONLY = ("include_processes", "services", "timeout", "process_ceiling", "files_pod")
"""What has no effect on a saved snapshot, beside all that belongs to a cluster."""
LOCAL_ONLY = ("patterns", "root", "cgroup_root", "proc_root", "sys_root", "log_root")


def check_saved(context: click.Context) -> None:
    """Raise UsageError where an option was typed that only matters where something is measured."""
    for parameter in _typed(context):
        if parameter.name in (*CLUSTER_ONLY, *MEASURED_ONLY):
            name = max(parameter.opts, key=len)
            raise UsageError(
                f"{name} has no effect on a saved snapshot.",
                "Leave it out, or name a pod of the cluster alone.",
            )


def _typed(context: click.Context) -> list[click.Parameter]:
    return [
        parameter
        for parameter in context.command.params
        if parameter.name is not None
        and context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
        # click before 8.2 says that no arguments at all were typed, too.
        and context.params.get(parameter.name) != ()
    ]


def check_mode(context: click.Context, *, local: bool, cluster_only: Sequence[str] = ()) -> None:
    """Raise UsageError where an option of the other mode was typed; one of the environment is left be.

    `cluster_only` are those that the command has no use for with --local, beside those of every command.
    """
    typed = _typed(context)
    if local and any(parameter.name == "pods" for parameter in typed):
        raise UsageError("With --local pods are not chosen by argument.", "Use --match PATTERN.")
    wrong = (*CLUSTER_ONLY, *cluster_only) if local else LOCAL_ONLY
    for parameter in typed:
        if parameter.name in wrong:
            name = max(parameter.opts, key=len)
            raise UsageError(
                f"{name} has no effect {'with' if local else 'without'} --local.",
                "Leave one of them out." if local else "Add --local, or leave it out.",
            )
    if context.params.get("nodes") and any(parameter.name == "jobs" for parameter in typed):
        raise UsageError("--jobs has no effect with --nodes.", "Leave one of them out.")
