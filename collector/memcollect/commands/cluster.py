"""A snapshot of the cluster's pods, for `memcollect snapshot`."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from memcollect.commands.connection import ConnectionOptions, PodOptions
from memcollect.commands.interruption import interruption
from memcollect.commands.options import BoundOptions, is_verbose
from memcollect.commands.output import counted, say
from memcollect.commands.services import service_table
from memcollect.commands.taking import NO_PROCESSES, ClusterQuestion, ProcessOptions, Taking
from memcollect.documents.moment import now_text
from memcollect.documents.snapshot import Depth, Pod, Scope, Snapshot, Tool, schema_version_of
from memcollect.explain.deserving import REASONS, deserving
from memcollect.explain.reduced import reduced
from memcollect.explain.summary import Totals
from memcollect.services import with_services
from memcollect.taking import allowed
from memcollect.units import human_bytes
from memcollect_agent import __version__

if TYPE_CHECKING:
    from memcollect.taking.cluster import Collection, Plan
    from memcollect.taking.crew import Crew
    from memcollect_agent.wire import PodFiles


def plan_of(
    pods: PodOptions,
    cluster: ConnectionOptions,
    bounds: BoundOptions,
    processes: ProcessOptions = NO_PROCESSES,
) -> Plan:
    """Return what to measure. Raises UsageError for names that cannot be."""
    from memcollect.taking.cluster import Plan  # noqa: PLC0415 # as below

    return Plan(
        selection=pods.selection,
        deployment=cluster.deployment,
        process_limit=processes.limit,
        mappings=processes.mappings,
        file_limit=processes.file_limit,
        nodes=pods.nodes,
        limits=cluster.limits(bounds),
    )


def _scope(places: list[str | None]) -> list[str] | None:
    """Return the namespaces that are looked into; None for all."""
    return None if None in places else [str(place) for place in places]


@contextlib.contextmanager
def cluster_taking(
    asked: ClusterQuestion,
    jobs: int | None = None,
    depth: Depth | None = "full",
    files: Mapping[str, PodFiles] | None = None,
) -> Iterator[Taking]:
    """Give a snapshot of the cluster in the making. Raises a ClusterError where it cannot be asked.

    `depth` None: in summary where the pods are too many to be read one by one. `files` as Plan.files.
    """
    # Imported here: the official client takes a second, which --local and --help need not wait for.
    from memcollect.sources.api import Api, Patience  # noqa: PLC0415
    from memcollect.sources.portforward import port_forwarding  # noqa: PLC0415
    from memcollect.taking.chosen import Candidate  # noqa: PLC0415
    from memcollect.taking.cluster import Collection  # noqa: PLC0415
    from memcollect.taking.crew import Crew, Finished  # noqa: PLC0415

    plan = replace(plan_of(asked.pods, asked.cluster, asked.bounds, asked.processes), depth=depth)
    plan = replace(plan, files=files or {})
    table = service_table(asked.processes.services)
    cluster = asked.cluster.cluster
    opening = Snapshot(
        tool=Tool(version=__version__),
        sample=asked.sample,
        captured_at=now_text(),
        finished_at="",
        mode="cluster",
        cluster=cluster.context or "",
        scope=Scope(
            namespaces=_scope(plan.selection.places),
            selector=plan.selection.selector,
            names=asked.pods.named,
            processes=asked.processes.are_listed,
            mappings=asked.processes.mappings,
            files=asked.processes.files,
        ),
    )
    seconds = asked.cluster.request_timeout
    patience = Patience(timeout=seconds, total=3 * seconds)
    with (
        Api(cluster, patience) as api,
        progress_line() as progress,
        interruption() as ctrl_c,
        contextlib.closing(Crew(jobs, table)) as crew,
    ):
        collection = Collection(api, plan, port_forwarding(cluster), progress, ctrl_c.requested)
        totals = Totals()

        def pods() -> Iterator[Pod | msgspec.Raw]:
            for row in collection.rows(crew):
                if isinstance(row, Finished):
                    totals.include(row.totals)
                    yield from map(msgspec.Raw, row.lines)
                    for candidate in row.candidates:
                        yield from collection.chosen.add(candidate)
                    continue
                totals.add(row)
                if collection.depth == "full":
                    yield with_services(row, table)
                else:
                    yield from collection.chosen.add(Candidate(reduced(row), row, deserving(row)))
            yield from collection.chosen.rest()
            progress("", 0, 0)
            for note in (*_depth_notes(collection), *_crew_notes(crew)):
                say(note)

        def opened() -> Snapshot:
            return msgspec.structs.replace(opening, schema_version=schema_version_of(collection.depth))

        def closing() -> Snapshot:
            return msgspec.structs.replace(
                opened(),
                finished_at=now_text(),
                nodes=sorted(collection.nodes, key=lambda node: node.name),
                accounts=sorted(collection.accounts, key=lambda account: account.node),
                missing=collection.missing,
                summary=totals.summary(collection.nodes),
                notes=_depth_notes(collection),
                depth=collection.depth,
            )

        yield Taking(opened, pods(), closing, lambda: collection.interrupted)


def _depth_notes(collection: Collection) -> list[str]:
    """Return what the document says of its depth: how many pods in full, and why those."""
    if collection.depth == "full":
        return []
    chosen = collection.chosen
    of_all = chosen.told_in_full + chosen.told_in_summary
    whose = "; ".join(f"{REASONS[reason]}: {count}" for reason, count in chosen.reasons.items())
    return [
        f"Depth summary: of {counted(of_all, 'pod')} {chosen.told_in_full:,} are told in full"
        + (f" ({whose})" if whose else "")
        + ", the others by terms and verdict alone. --depth full tells all in full, and"
        " `memcollect explain NAMESPACE/POD` any one as it is now."
    ]


def _crew_notes(crew: Crew) -> Iterator[str]:
    """Yield what became of the processes that explain, where that is not as it should be, or with -v."""
    if crew.not_begun:
        yield f"no process could be begun for --jobs ({crew.not_begun}): this one explained all the nodes."
    if crew.lost:
        how = "; ".join(f"{count} {each}" for each, count in Counter(crew.lost).items())
        yield (
            f"{len(crew.lost)} of {crew.begun} explaining processes lost ({how}): this one explained their"
            " nodes, and nothing is missing for it. Fewer --jobs take less memory."
        )
    if is_verbose():
        by = f"by {crew.begun} processes beside this one" if crew.begun else "in this process alone"
        room = human_bytes(allowed.memory_bytes())
        yield f"explained {by}, which may use {counted(allowed.cpus(), 'CPU')} and now {room} of memory."


@contextlib.contextmanager
def progress_line() -> Iterator[Callable[[str, int, int], None]]:
    """Give a function that shows how far it is: on standard error, and on a terminal only.

    Called with no words it takes the line away.
    """
    if not sys.stderr.isatty():
        yield lambda _what, _done, _of: None
        return

    def show(what: str, done: int, of: int) -> None:
        count = f" {done}/{of}" if of else ""
        sys.stderr.write(f"\r\x1b[Kmemcollect: {what}{count} " if what else "\r\x1b[K")
        sys.stderr.flush()

    try:
        yield show
    finally:
        show("", 0, 0)
