"""The same commit, made again by somebody else, is the same sdist, wheel and chart."""

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
    assert _sums(again) == _sums(released)
    assert len(_sums(again)) >= 3


def _sums(release: Released) -> list[str]:
    # The single file, and krew's archive and manifest of it, were once seen to differ.
    lines = (release.directory / "SHA256SUMS").read_text().splitlines()
    return [
        line for line in lines if not line.endswith((".pyz", "memcollect.yaml")) and "kubectl-" not in line
    ]
