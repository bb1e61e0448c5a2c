"""Archives have the same bytes whoever makes them."""

import tarfile
from pathlib import Path

from release.archives import Member, write_tar_gz


def test_order_and_time_of_making_leave_no_trace(tmp_path: Path) -> None:
    members = {"b": Member(b"2", executable=True), "a/c": Member(b"1")}
    write_tar_gz(members, 1_700_000_000, tmp_path / "one.tar.gz")
    write_tar_gz(dict(reversed(members.items())), 1_700_000_000, tmp_path / "two.tgz")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tgz").read_bytes()
    with tarfile.open(tmp_path / "two.tgz") as tar:
        assert [(each.name, each.mode, each.mtime, each.uid) for each in tar] == [
            ("a/c", 0o644, 1_700_000_000, 0),
            ("b", 0o755, 1_700_000_000, 0),
        ]
