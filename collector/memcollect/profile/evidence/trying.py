"""Doing the phase: the catalogue tried on the plan's source, its document in the bundle after every row."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import msgspec

from memcollect.documents.snapshot import Missing, Tool
from memcollect.errors import UsageError
from memcollect.evidence.catalogue import SHA256, rows_named
from memcollect.evidence.document import EVIDENCE_FOLDER, CatalogueUsed, Evidence, RowResult, encode
from memcollect.evidence.matrix import BROKEN_OFF
from memcollect.evidence.port import Gateway, OperationError, Provider, Witness
from memcollect.profile.actions import Outcome
from memcollect.profile.evidence.images import NO_PODS, TriedImages
from memcollect.profile.evidence.opening import AioOpener, ExecOpener, Opener
from memcollect.profile.evidence.packaged import PackagedProvider
from memcollect.profile.evidence.provider import SourceProvider
from memcollect.profile.evidence.witness import ClusterWitness
from memcollect.profile.measuring.gathering import Gatherer
from memcollect.profile.node_evidence import Nodes
from memcollect.profile.plan.model import PROGRAMS, Driver, Plan, Trying, driver_of, is_seen, package_of
from memcollect.profile.plan.model import Evidence as Phase
from memcollect.profile.record import Record
from memcollect.profile.sandboxes.cleanup import Cleaner
from memcollect.profile.sandboxes.packaged import PackagedSource
from memcollect.profile.starting import started
from memcollect.profile.tools import Workshop
from memcollect.secrecy import remember_secret
from memcollect.sources.agent_pods import Deployment
from memcollect.sources.agents import Limits
from memcollect.sources.deadline import Stopped
from memcollect.sources.plain import plain
from memcollect.trying.boxes import Ledger
from memcollect.trying.drivers.program import ProgramProvider
from memcollect.trying.gateway import HttpGateway
from memcollect.trying.http import UrlSender
from memcollect.trying.performing import Performer
from memcollect.trying.settings import Settings
from memcollect.trying.trial import Trial
from memcollect_agent import __version__


@dataclass(frozen=True, kw_only=True)
class Trier:
    """Tries the source of a plan."""

    plan: Plan
    record: Record
    workshop: Workshop
    gatherer: Gatherer
    cleaner: Cleaner
    deployment: Deployment
    limits: Limits
    stopped: Stopped
    say: Callable[[str], None]
    environ: Mapping[str, str]

    def try_(self, phase: Phase) -> Outcome:
        """Try the rows of the phase; return what could not be tried or removed as the outcome's missing."""
        try:
            headers = _values(self.plan.evidence.gateway_headers, self.environ)
        except UsageError as error:
            return Outcome("failed", str(error))
        driver = driver_of(self.plan, phase)
        if isinstance(source := self.gatherer.source, PackagedSource) and driver == package_of(
            self.plan.source
        ):
            return self._by_its_package(phase, driver, source, headers)
        if driver in PROGRAMS:
            return self._by_program(phase, driver, headers)
        provider = SourceProvider(self.gatherer, self.cleaner, self._opener(driver))
        return self._witnessed(phase, driver, provider, headers)

    def _witnessed(
        self,
        phase: Phase,
        driver: str,
        provider: SourceProvider | PackagedProvider,
        headers: Mapping[str, str],
    ) -> Outcome:
        witness = ClusterWitness(provider, self.workshop, self._nodes, self.deployment, self.limits)
        try:
            return self._tried(phase, driver, (provider, witness), headers)
        finally:
            witness.close()

    def _by_its_package(
        self, phase: Phase, driver: str, source: PackagedSource, headers: Mapping[str, str]
    ) -> Outcome:
        """Try the package that makes the sandboxes; they are seen from outside where they are pods."""
        seen = is_seen(self.plan.source)
        provider = PackagedProvider(source, self.workshop, seen=seen)
        if seen:
            return self._witnessed(phase, driver, provider, headers)
        return self._tried(phase, driver, (provider, None), headers)

    def _by_program(self, phase: Phase, driver: Driver, headers: Mapping[str, str]) -> Outcome:
        """Try a program, which makes its sandboxes itself: nobody sees them from outside."""
        try:
            program = started(self.plan, driver, self._run_name, self.environ, stopped=self.stopped)
        except OperationError as error:
            if self.stopped():
                return Outcome("interrupted", f"Ctrl-C came while the driver {driver} was started.")
            return Outcome("failed", str(error))
        try:
            return self._tried(phase, driver, (ProgramProvider(program), None), headers, program.close)
        finally:
            program.close()

    def _tried(
        self,
        phase: Phase,
        driver: str,
        ways: tuple[Provider, Witness | None],
        headers: Mapping[str, str],
        close: Callable[[], str] = lambda: "",
    ) -> Outcome:
        """Try the rows; `close` lets the backend end what it has, and returns why it did not."""
        provider, witness = ways
        images = None
        if witness is not None and isinstance(provider, SourceProvider | PackagedProvider):
            images = provider.images
        rows = rows_named(phase.rows)
        document = _Document(self.record, phase, driver, [row.name for row in rows], images)
        performer = Performer(
            provider=provider,
            settings=_settings(self.plan.evidence),
            ledger=Ledger(self._run_name),
            stopped=self.stopped,
            gateway=_gateway(self.plan.evidence, headers),
            witness=witness,
            say=self.say,
        )
        trial = Trial(performer, self.say, document.add)
        trial.run(rows)
        trial.left += filter(None, [close()])
        ended = not self.stopped()
        document.end(trial.left, whole=ended)
        missing = [*_untried(document.evidence), *_left(trial.left)]
        if not ended:
            return Outcome("interrupted", "Ctrl-C came while the backend was tried.", missing=missing)
        return Outcome(missing=missing)

    @property
    def _run_name(self) -> str:
        return f"mc-{self.record.manifest.run_id}"

    def _opener(self, driver: str) -> Opener:
        if driver == "aio":
            return AioOpener(self.workshop.cluster, self.plan.evidence.port)
        return ExecOpener(self.workshop.cluster)

    def _nodes(self, workshop: Workshop) -> Nodes:
        return Nodes(workshop.tools(), self.deployment, self.limits)


class _Document:
    """The document as it grows."""

    def __init__(
        self, record: Record, phase: Phase, driver: str, rows: list[str], images: TriedImages | None
    ) -> None:
        self._record = record
        self._images = images
        self._path = f"{EVIDENCE_FOLDER}/{phase.name}.json"
        self.evidence = Evidence(
            tool=Tool(version=__version__),
            run_id=record.manifest.run_id,
            backend=record.manifest.backend,
            driver=driver,
            catalogue=CatalogueUsed(sha256=SHA256, rows=rows),
            started_at=time.time(),
        )
        self._write()

    def add(self, row: RowResult) -> None:
        """Add a row and put the whole on the disk."""
        self.evidence = msgspec.structs.replace(self.evidence, rows=[*self.evidence.rows, row])
        self._write()

    def end(self, left: list[str], *, whole: bool) -> None:
        """Add what could not be removed, and when it ended."""
        finished = time.time() if whole else None
        self.evidence = msgspec.structs.replace(self.evidence, left=left, finished_at=finished)
        self._write()

    def _write(self) -> None:
        images, unknown = self._images.told() if self._images is not None else ([], NO_PODS)
        self.evidence = msgspec.structs.replace(self.evidence, images=images, images_unknown=unknown)
        self._record.file(self._path, encode(self.evidence))
        self._record.save()


def _values(headers: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    absent = [name for name in headers.values() if not environ.get(name)]
    if absent:
        raise UsageError(
            f"The gateway's headers need {', '.join(map(plain, absent))} in the environment.",
            f"Set it: export {plain(absent[0])}=…",
        )
    return {header: remember_secret(environ[name]) for header, name in headers.items()}


def _settings(told: Trying) -> Settings:
    return Settings(
        users=(told.users[0], told.users[1]),
        idle_seconds=float(told.idle) or None,
        replicas=told.replicas or None,
        restart=told.restart,
        download_limit_bytes=int(told.download_limit) or None,
        api_port=told.port,
        declared={name: text for name, text in msgspec.to_builtins(told.declared).items() if text},
    )


def _gateway(told: Trying, headers: Mapping[str, str]) -> Gateway | None:
    return HttpGateway(UrlSender(told.gateway, headers)) if told.gateway else None


def _untried(evidence: Evidence) -> list[Missing]:
    """Return an entry for each reason in each row why checks were not tried, and for each row not begun."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in evidence.rows:
        for check in row.checks:
            if check.verdict == "not-tried":
                found.setdefault((row.row, check.observed), []).append(check.name)
    return [
        Missing(
            kind="evidence",
            name=f"{row}: {', '.join(names)}",
            reason="not-tried",
            detail=f"{row}: {', '.join(names)} not tried: {why}",
        )
        for (row, why), names in found.items()
    ] + [
        Missing(kind="evidence", name=row, reason="not-tried", detail=f"{row} not tried: {BROKEN_OFF}")
        for row in evidence.catalogue.rows
        if row not in {each.row for each in evidence.rows}
    ]


def _left(left: Iterable[str]) -> list[Missing]:
    return [Missing(kind="evidence", name="cleanup", reason="not-removed", detail=each) for each in left]


def environment() -> Mapping[str, str]:
    """Return this process's environment, where a plan's headers have their values."""
    return os.environ
