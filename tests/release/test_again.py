"""The same commit, made again by somebody else, is the same release to the byte."""

import os
from pathlib import Path

import pytest

from worlds.released import LIMIT_SECONDS, Released, make

pytestmark = [pytest.mark.dist, pytest.mark.timeout(2 * LIMIT_SECONDS)]


def test_every_byte_comes_again(released: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "1")
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    umask = os.umask(0o077)
    try:
        again = make(tmp_path)
    finally:
        os.umask(umask)
    sums = _sums(again)
    assert sums == _sums(released)
    assert len(sums) >= 6


def _sums(release: Released) -> list[str]:
    return (release.directory / "SHA256SUMS").read_text().splitlines()
