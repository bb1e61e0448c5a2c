"""Archives that have the same bytes whoever makes them, and when."""

import gzip
import io
import tarfile
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
