"""Backends that hang, lie, drop and die: a verdict with what was seen, in time, and everything removed."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from memcollect.evidence.catalogue import rows_named
from memcollect.evidence.checks import Row
from memcollect.evidence.document import CheckResult
from memcollect.evidence.exits import Exited
from memcollect.evidence.port import Box, OperationError, Owner, Ran
from memcollect.trying import cleaning, limits, trial
from memcollect.trying.boxes import Ledger
from memcollect.trying.drivers.aio import AioBox
from memcollect.trying.gateway import HttpGateway
from memcollect.trying.http import UrlSender
from memcollect.trying.performing import Performer
from memcollect.trying.settings import Settings
from memcollect.trying.trial import Trial
from worlds.hostile_interface import ANSWERS, WAYS, hostile
from worlds.waiting import PATIENCE

CHECKS = {
    "Commands": ("stdout", "exit-7"),
    "Files": ("round-trip", "every-byte-in", "list-hidden", "grep-regex"),
}
THROUGH_THE_GATEWAY = {"Uploads": ("before-creation", "too-many"), "Artifacts": ("nested", "missing")}
SLOW = ("hangs", "drips")


@dataclass
class Provider:
    """Makes sandboxes whose interface is at `url`; `there` are those that were not destroyed."""

    url: str = ""
    capacity: int = 100
    there: set[str] = field(default_factory=set)
    made: int = 0
    knows_users: bool = True
    makes: bool = True
    releases: bool = True
    deletes: bool = True

    def acquire(self, key: str, owner: Owner, seconds: float) -> Box:
        del owner, seconds
        if len(self.there) >= self.capacity:
            raise OperationError("capacity", "no room for another sandbox")
        self.there.add(key)
        self.made += 1
        return AioBox(UrlSender(self.url), key)

    def release(self, key: str, seconds: float) -> None:
        del key, seconds

    def destroy(self, key: str, seconds: float) -> None:
        del seconds
        self.there.discard(key)

    def identity(self, key: str) -> str:
        return key


def rows(chosen: Mapping[str, tuple[str, ...]], seconds: float = 1.0) -> list[Row]:
    """Return rows with these checks alone, each with so much time."""
    return [
        replace(
            row,
            first=(),
            checks=tuple(replace(c, seconds=seconds) for c in row.checks if c.name in chosen[row.name]),
        )
        for row in rows_named(list(chosen))
    ]


def patience(way: str) -> float:
    """Return the time for a step: little where it is awaited, as much as a busy machine needs elsewhere."""
    return 1.0 if way in SLOW else PATIENCE


def performing(provider: Provider, gateway: str = "") -> Performer:
    return Performer(
        provider=provider,
        settings=Settings(),
        ledger=Ledger("mc-test"),
        stopped=lambda: False,
        gateway=HttpGateway(UrlSender(gateway)) if gateway else None,
    )


def tried(performer: Performer, wanted: list[Row]) -> tuple[list[CheckResult], Trial]:
    done = Trial(performer, lambda _sentence: None)
    return [check for row in done.run(wanted) for check in row.checks], done


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GRACE_SECONDS", 0.5)
    monkeypatch.setattr(trial, "_PROBE_SECONDS", 0.5)
    monkeypatch.setattr(cleaning, "FILES_SECONDS", 0.5)
    monkeypatch.setattr(cleaning, "GATEWAY_SECONDS", 0.5)


@pytest.mark.parametrize("way", WAYS)
def test_an_interface_that_misbehaves_fails_and_what_was_seen_is_told(way: str) -> None:
    with hostile(way) as there:
        provider = Provider(there.url)
        chosen = CHECKS if way not in SLOW else {"Commands": ("stdout",)}
        found, done = tried(performing(provider), rows(chosen))
    assert len(found) == sum(map(len, chosen.values()))
    for check in found:
        assert check.verdict == "fails", (check.name, check.observed)
        assert check.observed
        assert check.observed.isprintable()
    assert provider.there == set()
    # Files that may be there cannot be removed where no command is answered, and that is told.
    assert all("no usable answer" in each or "files in" in each for each in done.left)
    assert there.connections > 0 or way == "refuses"


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("html", "no JSON envelope but"),
        ("html-of-a-proxy", "HTTP 502"),
        ("json-of-another-kind", "not as its interface says"),
        ("out-of-capacity", "HTTP 429: {"),
        ("elsewhere", "HTTP 302"),
        ("hangs", "within 1 s"),
        ("drips", "within 1 s"),
    ],
)
def test_the_sentence_says_how(way: str, said: str) -> None:
    with hostile(way) as there:
        wanted = rows({"Commands": ("stdout",)}, patience(way))
        (check,), _ = tried(performing(Provider(there.url)), wanted)
    assert said in check.observed


@pytest.mark.parametrize("way", [*ANSWERS, "drops-uploads", "refuses", "hangs"])
def test_a_gateway_that_misbehaves_spoils_what_goes_through_it_alone(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AioBox, "run", lambda *_: Ran(exit=Exited(0)))
    monkeypatch.setattr(AioBox, "write", lambda *_, **__: "api")
    with hostile(way) as there:
        provider = Provider("http://192.0.2.1")
        found, done = tried(performing(provider, there.url), rows(THROUGH_THE_GATEWAY, patience(way)))
    assert {check.name: check.verdict for check in found} == dict.fromkeys(
        ("before-creation", "nested", "missing"), "fails"
    ) | {"too-many": _of_a_limit(way)}
    assert provider.there == set()
    # What was sent to it may be there, and whether it was taken back is not known.
    assert all(each.startswith(("upload ", "thread ")) for each in done.left)


def _of_a_limit(way: str) -> str:
    """Return the verdict of a check that wants a refusal: another status is another way to refuse."""
    no_status = {"not-http", "nothing", "shorter-than-it-says", "drops-uploads", "refuses", "hangs"}
    return "fails" if way in no_status else "differs"


def test_without_room_nothing_is_tried_and_the_backend_s_word_is_told() -> None:
    provider = Provider("http://192.0.2.1", capacity=0)
    found, done = tried(performing(provider), rows(CHECKS))
    assert {check.verdict for check in found} == {"not-tried"}
    assert all("no room for another sandbox" in check.observed for check in found)
    assert (provider.made, done.left) == (0, [])


def test_a_sandbox_that_dies_is_replaced_and_the_next_check_has_one() -> None:
    urls: list[str] = []

    class Dying(Provider):
        def acquire(self, key: str, owner: Owner, seconds: float) -> Box:
            self.url = urls[self.made]
            return super().acquire(key, owner, seconds)

    with hostile("refuses") as dead, hostile("json-of-another-kind") as there:
        urls += [dead.url, there.url]
        provider = Dying()
        found, _ = tried(performing(provider), rows({"Commands": ("stdout", "exit-7")}, PATIENCE))
    assert "Connection refused" in found[0].observed
    assert "not as its interface says" in found[1].observed
    assert provider.made == 2
    assert provider.there == set()


def test_the_time_of_a_row_is_kept_and_what_it_does_not_suffice_for_is_not_tried() -> None:
    with hostile("hangs") as there:
        wanted = [
            replace(row, seconds=1.0)
            for row in rows({"Commands": ("stdout", "exit-7", "utf-8")}, seconds=600.0)
        ]
        began = time.monotonic()
        found, _ = tried(performing(Provider(there.url)), wanted)
    assert time.monotonic() - began < PATIENCE
    assert [each.verdict for each in found] == ["not-tried"] * 3
    # It had the rest of the row's time and not its own: no answer in that is no fault.
    assert "the row's time was spent: http" in found[0].observed
    assert "the row's time, 1 s, was spent" in found[-1].observed


def test_ctrl_c_in_the_middle_of_a_step_ends_it_and_removes_the_sandbox() -> None:
    with hostile("hangs") as there:
        provider = Provider(there.url)
        performer = performing(provider)
        performer.stopped = lambda: there.connections > 0
        found, _ = tried(performer, rows(CHECKS, seconds=600.0))
    assert {each.verdict for each in found} == {"not-tried"}
    assert provider.made == 1
    assert provider.there == set()


def test_a_driver_s_own_fault_spoils_one_check_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a driver's own")

    monkeypatch.setattr(AioBox, "grep", broken)
    monkeypatch.setattr(AioBox, "put", lambda *_: "api")
    monkeypatch.setattr(AioBox, "run", lambda *_: Ran(exit=Exited(0), stdout=b"done"))
    with hostile("nothing") as there:
        provider = Provider(there.url)
        found, _ = tried(performing(provider), rows({"Files": ("grep-regex",)}, PATIENCE))
    assert [(each.verdict, "ZeroDivisionError" in each.observed) for each in found] == [("fails", True)]
    assert provider.there == set()
