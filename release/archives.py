"""Archives that have the same bytes whoever makes them, and when."""

import gzip
import io
import stat
import tarfile
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct


class Member(Struct, frozen=True):
    """One file of an archive."""

    content: bytes
    executable: bool = False


def write_tar_gz(members: Mapping[str, Member], epoch_seconds: int, into: Path) -> None:
    """Write the files, by name in the archive, as of root and of one time."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, member in sorted(members.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(member.content), epoch_seconds
            entry.mode = 0o755 if member.executable else 0o644
            tar.addfile(entry, io.BytesIO(member.content))
    into.write_bytes(gzip.compress(plain.getvalue(), mtime=epoch_seconds))


def write_zip(members: Mapping[str, bytes], epoch_seconds: int, head: bytes, into: Path) -> None:
    """Write the files, by name in the archive, behind `head`, all of one time and for all to read."""
    moment = time.gmtime(epoch_seconds)[:6]
    with into.open("wb") as file:
        file.write(head)
        with zipfile.ZipFile(file, "w") as archive:
            for name, content in sorted(members.items()):
                entry = zipfile.ZipInfo(name, moment)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = (stat.S_IFREG | 0o644) << 16
                archive.writestr(entry, content)
