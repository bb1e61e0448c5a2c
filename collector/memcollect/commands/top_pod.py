"""One pod of the live view in full: asked for when it is opened, beside the rounds."""

from __future__ import annotations

import threading
from collections.abc import Callable

from rich.text import Text

from memcollect.commands.cluster import plan_of
from memcollect.commands.connection import PodOptions
from memcollect.commands.local import local_request
from memcollect.commands.taking import ProcessOptions
from memcollect.commands.watched import TopOptions
from memcollect.documents.snapshot import Missing, Pod
from memcollect.errors import CollectorError
from memcollect.explain import explain
from memcollect.join import Capture, local_snapshot
from memcollect.live.rows import Row
from memcollect.reporters.terminal.lines import paragraph
from memcollect.reporters.terminal.pod import pod_lines

PROCESSES = ProcessOptions(include_processes=True, process_limit=10)
_CAPTURE = Capture(label="", captured_at="", finished_at="")

Load = Callable[[Row], Pod]
"""Measures the pod of a row, with its processes. Raises CollectorError where that fails."""


class Opened:
    """A pod's page: loading, loaded or failed. `version` changes when it has come."""

    def __init__(self, row: Row, load: Load) -> None:
        self.row = row
        self.version = 0
        self._pod: Pod | None = None
        self._problem = ""
        threading.Thread(target=self._run, args=(load,), name="memcollect pod", daemon=True).start()

    def lines(self, width: int) -> list[Text]:
        """Return the page in lines of at most `width` columns."""
        if self._pod is not None:
            return list(pod_lines(self._pod, width, full=True))
        return list(paragraph(self._problem or f"measuring {self.row.full_name} …", width))

    def _run(self, load: Load) -> None:
        try:
            self._pod = load(self.row)
        except CollectorError as error:
            self._problem = str(error)
        except Exception as error:  # noqa: BLE001 # a fault of ours with one page must not end the view
            self._problem = f"Measuring it failed: {error!r}; please report this."
        self.version = 1


def loader_of(options: TopOptions) -> Load:
    """Return what loads a pod of what the options say is watched."""
    return (lambda row: _local(options, row)) if options.local else (lambda row: _cluster(options, row))


def _local(options: TopOptions, row: Row) -> Pod:
    from memcollect.taking.local import measure  # noqa: PLC0415 # only where it measures

    request = local_request(options.machine, options.patterns, options.bounds, PROCESSES)
    measured = measure(request)
    snapshot = explain(local_snapshot(measured.sample, measured.names, _CAPTURE))
    return _found(row, snapshot.pods, snapshot.missing)


def _cluster(options: TopOptions, row: Row) -> Pod:
    # Imported here: the official client takes a second, which --local and --help need not wait for.
    from memcollect.sources.api import Api, Patience  # noqa: PLC0415
    from memcollect.sources.portforward import port_forwarding  # noqa: PLC0415
    from memcollect.taking.cluster import Collection  # noqa: PLC0415

    plan = plan_of(PodOptions(pods=(row.full_name,)), options.cluster, options.bounds, PROCESSES)
    cluster = options.cluster.cluster
    seconds = options.cluster.request_timeout
    with Api(cluster, Patience(timeout=seconds, total=seconds, tries=2)) as api:
        collection = Collection(api, plan, port_forwarding(cluster), lambda *_: None, lambda: False)
        pods = list(collection.pods())
    return _found(row, pods, collection.missing)


def _found(row: Row, pods: list[Pod], missing: list[Missing]) -> Pod:
    for pod in pods:
        if pod.uid == row.uid:
            return pod
    why = "; ".join(each.detail for each in missing) or "it is not there any more."
    raise CollectorError(f"{row.full_name} was not measured: {why}")
