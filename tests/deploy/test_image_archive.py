"""The image's archive, as a node's containerd reads it."""

import hashlib
import importlib.util
import json
import tarfile
from pathlib import Path
from types import ModuleType

import pytest

from worlds import manifests
from worlds.children import run

PROJECT = Path(__file__).parents[2]
SCRIPT = PROJECT / "deploy/image/archive.py"
NAME = "localhost/memcollect-agent:1.2.3"


@pytest.fixture
def module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("image_archive", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """An OCI layout of one image, as buildah leaves it."""
    found = tmp_path / "image"
    blobs = found / "blobs/sha256"
    blobs.mkdir(parents=True)
    digest = hashlib.sha256(b"{}").hexdigest()
    (blobs / digest).write_bytes(b"{}")
    (found / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    manifest = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": f"sha256:{digest}",
        "size": 2,
        "annotations": {"org.opencontainers.image.ref.name": "memcollect-agent"},
    }
    (found / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    return found


def test_the_archive_bears_the_full_name_for_containerd_and_for_others(layout: Path, tmp_path: Path) -> None:
    into = tmp_path / "agent.tar"
    done = run(["python3", SCRIPT, layout, NAME, into])
    assert done.returncode == 0, done.stderr
    with tarfile.open(into) as tar:
        index = json.load(tar.extractfile("index.json"))  # type: ignore[arg-type] # it is a file
        assert set(tar.getnames()) == {
            "oci-layout",
            "index.json",
            *(path.relative_to(layout).as_posix() for path in layout.glob("blobs/*/*")),
        }
    (image,) = index["manifests"]
    assert image["annotations"] == {
        "io.containerd.image.name": NAME,
        "org.opencontainers.image.ref.name": NAME,
    }


def test_the_same_layout_gives_the_same_bytes(layout: Path, tmp_path: Path, module: ModuleType) -> None:
    for name in ("a.tar", "b.tar"):
        module.archive(layout, NAME, tmp_path / name)
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


def test_a_layout_of_two_images_is_refused(layout: Path, tmp_path: Path, module: ModuleType) -> None:
    index = json.loads((layout / "index.json").read_text())
    index["manifests"] *= 2
    (layout / "index.json").write_text(json.dumps(index))
    with pytest.raises(ValueError, match="2 images"):
        module.archive(layout, NAME, tmp_path / "a.tar")
    assert not (tmp_path / "a.tar").exists()


def test_the_name_that_the_build_gives_is_the_one_that_the_manifest_uses() -> None:
    script = (PROJECT / "scripts/build-image").read_text()
    (line,) = [each for each in script.splitlines() if each.startswith("name=$(sed")]
    printed = run(["sh", "-c", f"{line}\necho $name"], cwd=PROJECT)
    agent = manifests.agent(manifests.rendered("base"))
    assert printed.stdout.strip() == agent["image"]
