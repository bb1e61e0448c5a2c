"""The same commit, made again by somebody else, is the same release to the byte."""

import os
import re
from pathlib import Path

import pytest

from worlds.released import IMAGE_TWICE, LIMIT_SECONDS, Released, make

IMAGES_OWN = re.compile(r"memcollect-agent-.*\.(tar|cdx\.json)$")
pytestmark = [pytest.mark.dist, pytest.mark.timeout(2 * LIMIT_SECONDS)]


def test_every_byte_comes_again(released: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "1")
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    umask = os.umask(0o077)
    try:
        again = make(tmp_path, with_image=IMAGE_TWICE)
    finally:
        os.umask(umask)
    sums = _sums(again)
    assert sums == _sums(released)
    assert len(sums) >= 6


def _sums(release: Released) -> list[str]:
    lines = (release.directory / "SHA256SUMS").read_text().splitlines()
    return [line for line in lines if IMAGE_TWICE or not IMAGES_OWN.search(line)]
