"""Make of an OCI layout an archive that a node's containerd takes under the very name the manifest uses.

    python3 archive.py LAYOUT NAME ARCHIVE

`ctr images import` calls an image by the annotation io.containerd.image.name of its index; without it by a
name of its own making, import-DATE:TAG, under which no kubelet looks (containerd, core/images/archive).
Other tools read org.opencontainers.image.ref.name (OCI image specification, annotations).
"""

import io
import json
import sys
import tarfile
from pathlib import Path

NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")


def archive(layout: Path, name: str, into: Path) -> None:
    """Write the archive, whole or not at all: the same layout always gives the same bytes."""
    index = named(json.loads((layout / "index.json").read_bytes()), name)
    part = into.with_name(f"{into.name}.part")
    with tarfile.open(part, "w", format=tarfile.USTAR_FORMAT) as tar:
        add(tar, "oci-layout", (layout / "oci-layout").read_bytes())
        add(tar, "index.json", json.dumps(index, sort_keys=True).encode())
        for blob in sorted(each for each in (layout / "blobs").rglob("*") if each.is_file()):
            add(tar, blob.relative_to(layout).as_posix(), blob.read_bytes())
    part.replace(into)


def named(index: dict, name: str) -> dict:
    """Return the index with its one image called `name`. Raises ValueError where it is not one."""
    manifests = index["manifests"]
    if len(manifests) != 1:
        raise ValueError(f"the layout holds {len(manifests)} images, not one")
    annotations = manifests[0].get("annotations", {}) | dict.fromkeys(NAMES, name)
    return index | {"manifests": [manifests[0] | {"annotations": annotations}]}


def add(tar: tarfile.TarFile, path: str, content: bytes) -> None:
    """Add one file, of nobody and of no time."""
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(content), 0o644
    tar.addfile(entry, io.BytesIO(content))


if __name__ == "__main__":
    archive(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
