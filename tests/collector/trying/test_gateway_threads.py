"""The gateway's threads: made before what goes through it, and gone with the run, or told as not removed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from memcollect.evidence.catalogue import rows_named
from memcollect.testing.sandboxes.gateway import Gateway
from memcollect.trying.boxes import Ledger
from memcollect.trying.cleaning import clean_uploads, end_threads
from memcollect.trying.gateway import HttpGateway
from memcollect.trying.http import UrlSender
from memcollect.trying.trial import Trial
from worlds import evidence_backend

THREAD = "mc-test-thread"


class Refusing(Gateway):
    """Refuses one kind of request."""

    refused = ("", "", 0)

    def answer(
        self, method: str, target: str, headers: Any, body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        wanted, end, status = self.refused
        if method == wanted and target.endswith(end):
            return status, {}, b"no"
        return super().answer(method, target, headers, body)


@contextmanager
def uploaded(directory: Path, refused: tuple[str, str, int]) -> Iterator[tuple[Ledger, HttpGateway]]:
    """Give a ledger with one upload to a gateway that refuses such requests."""
    with Refusing(lambda thread: directory / thread) as served:
        served.refused = refused
        gateway = HttpGateway(UrlSender(served.url))
        gateway.begin_thread(THREAD, 10)
        gateway.upload(THREAD, [("a.txt", b"a")], 10)
        yield Ledger("mc-test", uploads=[(THREAD, "a.txt")], threads=[THREAD]), gateway


def test_rows_through_the_gateway_leave_no_thread_of_theirs(tmp_path: Path) -> None:
    wanted = {"deleted", "at-once"}
    rows = [
        replace(row, checks=tuple(check for check in row.checks if check.name in wanted))
        for row in rows_named(["Uploads", "Artifacts"])
    ]
    with evidence_backend.backend(tmp_path) as (_, performer):
        trial = Trial(performer, lambda _sentence: None)
        found = {c.name: c.verdict for row in trial.run(rows) for c in row.checks}
        assert found == dict.fromkeys(wanted, "as-expected")
        assert trial.left == []
        assert list(tmp_path.rglob("mc-test-*")) == []


def test_an_upload_and_its_thread_are_deleted(tmp_path: Path) -> None:
    with uploaded(tmp_path, ("", "", 0)) as (ledger, gateway):
        assert clean_uploads(ledger, gateway) == []
        assert not (tmp_path / THREAD / "uploads" / "a.txt").exists()
        assert end_threads(ledger, gateway) == []
    assert not (tmp_path / THREAD).exists()


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        (("DELETE", "a.txt", 500), ["upload a.txt: HTTP 500"]),
        (("DELETE", "a.txt", 404), ["upload a.txt: it is listed after its deletion"]),
        (("DELETE", THREAD, 409), [f"thread {THREAD}: HTTP 409"]),
        (("DELETE", THREAD, 405), []),
    ],
)
def test_what_the_gateway_does_not_delete_is_told(
    refused: tuple[str, str, int], said: list[str], tmp_path: Path
) -> None:
    with uploaded(tmp_path, refused) as (ledger, gateway):
        assert [*clean_uploads(ledger, gateway), *end_threads(ledger, gateway)] == said
