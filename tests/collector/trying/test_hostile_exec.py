"""The driver `exec` where pods/exec misbehaves: a verdict with what was seen, in time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from memcollect.evidence.catalogue import rows_named
from memcollect.evidence.document import CheckResult
from memcollect.evidence.port import Box, Owner
from memcollect.sources.exec import Place
from memcollect.sources.kube_config import connect
from memcollect.testing import PODS, Cluster, ExecRefusedError, Fault, StandInCluster, StreamFault, objects
from memcollect.trying import cleaning, limits, trial
from memcollect.trying.boxes import Ledger
from memcollect.trying.drivers.exec import ExecBox, Executors
from memcollect.trying.performing import Performer
from memcollect.trying.settings import Settings
from memcollect.trying.trial import Trial

EXEC = r".*/pods/a/exec"
PAGE = "<!doctype html><h1>502 Bad Gateway</h1>"


@dataclass
class Provider:
    executors: Executors
    there: set[str] = field(default_factory=set)
    knows_users: bool = True
    makes: bool = True
    releases: bool = True
    deletes: bool = True

    def acquire(self, key: str, owner: Owner, seconds: float) -> Box:
        del owner, seconds
        self.there.add(key)
        return ExecBox(self.executors, Place(namespace="team", pod="a", container="main"))

    def release(self, key: str, seconds: float) -> None:
        del key, seconds

    def destroy(self, key: str, seconds: float) -> None:
        del seconds
        self.there.discard(key)

    def identity(self, key: str) -> str:
        return key


def refuse(*_: Any) -> list[str]:
    raise ExecRefusedError("executable file not found in $PATH")


def instead(*words: str) -> Callable[..., list[str]]:
    return lambda *_: list(words)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GRACE_SECONDS", 0.5)
    monkeypatch.setattr(trial, "_PROBE_SECONDS", 0.5)
    monkeypatch.setattr(cleaning, "FILES_SECONDS", 0.5)


def tried(cluster: Cluster, place: Path) -> tuple[CheckResult, Provider]:
    cluster.put(PODS, objects.pod("team", "a", node="node-1", containers=("main",)))
    with StandInCluster(cluster) as server:
        provider = Provider(Executors(connect(str(server.kubeconfig(place / "config")))))
        performer = Performer(
            provider=provider, settings=Settings(), ledger=Ledger("mc-test"), stopped=lambda: False
        )
        rows = [
            replace(
                row,
                first=(),
                checks=tuple(replace(c, seconds=2.0) for c in row.checks if c.name == "stdout"),
            )
            for row in rows_named(["Commands"])
        ]
        (check,) = (c for row in Trial(performer, lambda _sentence: None).run(rows) for c in row.checks)
    return check, provider


@pytest.mark.parametrize(
    "on_exec",
    [refuse, instead("sleep", "600"), instead("head", "-c", "4096", "/dev/urandom"), instead("echo", PAGE)],
    ids=["refuses", "hangs", "garbage", "html"],
)
def test_a_container_that_misbehaves_fails_with_what_was_seen(
    on_exec: Callable[..., list[str]], tmp_path: Path
) -> None:
    cluster = Cluster()
    cluster.on_exec = on_exec
    check, provider = tried(cluster, tmp_path)
    assert check.verdict == "fails", check.observed
    assert check.observed
    assert check.observed.isprintable()
    assert provider.there == set()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(EXEC, times=None, drop=True),
        Fault(EXEC, times=None, hang=True),
        Fault(EXEC, times=None, status=429),
        Fault(EXEC, times=None, status=500),
        Fault(EXEC, times=None, body=PAGE.encode()),
        Fault(EXEC, times=None, stream=StreamFault.CUT),
    ],
    ids=["drops", "hangs", "out-of-capacity", "fails", "html", "cut"],
)
def test_an_api_server_that_misbehaves_fails_the_check_and_keeps_nobody(fault: Fault, tmp_path: Path) -> None:
    cluster = Cluster()
    cluster.on_exec = instead("sh", "-c", "echo good")
    cluster.fault(fault)
    check, provider = tried(cluster, tmp_path)
    assert check.verdict == "fails", check.observed
    assert check.observed.isprintable()
    assert "Traceback" not in check.observed
    assert provider.there == set()
