"""Starting the program of a driver, and letting it delete what an earlier run has left."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from memcollect.documents.snapshot import Missing
from memcollect.evidence.port import OperationError
from memcollect.profile.plan.model import PROGRAMS, Driver, Evidence, Plan, driver_of, package_of
from memcollect.secrecy import remember_environment
from memcollect.sources.deadline import Stopped
from memcollect.sources.kube_config import IN_CLUSTER, Cluster
from memcollect.trying.drivers.program import Program

_SWEEP_SECONDS = 180.0
_PREFIXES: Mapping[Driver, str] = {"e2b": "/home/user", "agent-sandbox": "/app"}
"""Where a sandbox's own user may write."""


def started(  # noqa: PLR0913 # half of them have a default
    plan: Plan,
    driver: Driver,
    run: str,
    environ: Mapping[str, str],
    cluster: Cluster | None = None,
    *,
    stopped: Stopped = lambda: False,
) -> Program:
    """Return the program at work; `cluster` is where a package that asks Kubernetes finds it.

    Raises OperationError.
    """
    told = plan.evidence
    remember_environment(environ)
    if driver == "deerflow":
        if not told.command:
            raise OperationError(
                "invalid", "evidence.command is missing: what starts Python in DeerFlow's environment."
            )
        return Program(told.command, driver, stopped=stopped)
    options = {
        "run": run,
        "api": told.api,
        "template": told.template,
        "namespace": plan.source.namespace,
        "prefix": told.prefix or _PREFIXES.get(driver, ""),
    }
    if cluster is not None and cluster.origin != IN_CLUSTER:
        options |= {"kubeconfig": cluster.origin, "context": cluster.context or ""}
    return Program(told.command or [sys.executable], driver, options, stopped)


def swept(plan: Plan, run: str, environ: Mapping[str, str]) -> list[Missing]:
    """Let the packages delete what bears the run's name; return what could not be asked or deleted.

    DeerFlow's own provider knows no runs: its sandboxes end as DeerFlow is configured. What the source's own
    package made is the source's to delete.
    """
    phases = [phase for phase in plan.phases if isinstance(phase, Evidence)]
    drivers = {driver_of(plan, phase) for phase in phases} & PROGRAMS - {"deerflow", package_of(plan.source)}
    faults = []
    for driver in sorted(drivers):
        try:
            program = started(plan, driver, run, environ)
            try:
                program.ask("sweep", _SWEEP_SECONDS, run=run)
            finally:
                program.close()
        except OperationError as error:
            name = f"what {driver} has of run {run}"
            faults.append(Missing(kind="evidence", name=name, reason="not-removed", detail=str(error)))
    return faults
