"""Archives have the same bytes whoever makes them."""

import tarfile
import zipfile
from pathlib import Path

from release.archives import Member, write_tar_gz, write_zip


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


def test_a_zip_has_its_members_by_name_of_one_time_and_one_mode(tmp_path: Path) -> None:
    members = {"b": b"2", "a/c": b"1"}
    write_zip(members, 1_700_000_000, b"#!x\n", tmp_path / "one.pyz")
    write_zip(dict(reversed(members.items())), 1_700_000_000, b"#!x\n", tmp_path / "two.pyz")
    assert (tmp_path / "one.pyz").read_bytes() == (tmp_path / "two.pyz").read_bytes()
    assert (tmp_path / "two.pyz").read_bytes().startswith(b"#!x\nPK")
    with zipfile.ZipFile(tmp_path / "two.pyz") as archive:
        assert [(each.filename, each.external_attr >> 16, each.date_time) for each in archive.infolist()] == [
            ("a/c", 0o100644, (2023, 11, 14, 22, 13, 20)),
            ("b", 0o100644, (2023, 11, 14, 22, 13, 20)),
        ]
