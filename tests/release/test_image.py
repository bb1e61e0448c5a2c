"""The image's archive, unpacked and run as a node would, and what it says of itself."""

import hashlib
import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from worlds import bills, manifests
from worlds.children import run
from worlds.released import LIMIT_SECONDS, ROOT, URL, WITH_IMAGE, Released

pytestmark = [
    pytest.mark.dist,
    pytest.mark.timeout(2 * LIMIT_SECONDS),
    pytest.mark.skipif(not WITH_IMAGE, reason="only root can build an image"),
]
Json = dict[str, Any]


def member(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file is not None
    return file.read()


class Image:
    """An OCI archive, looked into."""

    def __init__(self, archive: Path) -> None:
        with tarfile.open(archive) as tar:
            self.files = {name: member(tar, name) for name in tar.getnames()}
        (self.named,) = json.loads(self.files["index.json"])["manifests"]
        self.manifest: Json = json.loads(self.blob(self.named))
        self.config: Json = json.loads(self.blob(self.manifest["config"]))

    def blob(self, descriptor: Json) -> bytes:
        """Return what a descriptor is of, which must be what it says."""
        content = self.files[f"blobs/{descriptor['digest'].replace(':', '/')}"]
        assert f"sha256:{hashlib.sha256(content).hexdigest()}" == descriptor["digest"]
        assert len(content) == descriptor["size"]
        return content


@pytest.fixture(scope="module")
def image(released: Released) -> Image:
    return Image(released.one("memcollect-agent-*.tar"))


@pytest.fixture(scope="module")
def root(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its root file system, as a runtime unpacks it."""
    place = tmp_path_factory.mktemp("image")
    (layer,) = image.manifest["layers"]
    (place / "layer.tar.gz").write_bytes(image.blob(layer))
    (place / "root").mkdir()
    run(["tar", "-xzf", place / "layer.tar.gz", "-C", place / "root"], check=True)
    return place / "root"


def commit(what: str) -> str:
    return run(["git", "-C", ROOT, "show", "--no-patch", f"--format={what}", "HEAD"]).stdout.strip()


def test_its_labels_say_what_of_which_commit_it_is_and_when_that_was(
    image: Image, released: Released
) -> None:
    when = datetime.fromtimestamp(int(commit("%ct")), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    (chart,) = released.directory.glob("*.tgz")
    prefix = "org.opencontainers.image"
    assert image.config["config"]["Labels"] == {
        f"{prefix}.title": "memcollect-agent",
        f"{prefix}.description": "Measures the memory of a node's pods; it only reads",
        f"{prefix}.licenses": "Apache-2.0",
        f"{prefix}.version": chart.stem.removeprefix("memcollect-agent-").replace("+", "-"),
        f"{prefix}.revision": commit("%H"),
        f"{prefix}.source": URL,
        f"{prefix}.created": when,
    }
    assert image.config["created"] == when


def test_its_name_is_the_one_that_the_chart_asks_a_node_for(image: Image, released: Released) -> None:
    with tarfile.open(released.one("*.tgz")) as tar:
        objects = yaml.safe_load_all(member(tar, "memcollect-agent/manifests/base.yaml"))
        assert (
            image.named["annotations"]["io.containerd.image.name"] == manifests.agent(list(objects))["image"]
        )


def test_its_agent_runs_where_nothing_else_is(root: Path, image: Image) -> None:
    entry = image.config["config"]["Entrypoint"]
    done = run(["chroot", root, *entry, "serve", "--help"], env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: memcollect-agent serve")


def test_every_file_in_it_is_of_the_commits_time(root: Path) -> None:
    times = {each.lstat().st_mtime for each in root.rglob("*")}
    assert times == {float(commit("%ct"))}


def test_its_bill_names_every_package_of_python_and_of_debian_in_it(root: Path, released: Released) -> None:
    text = released.one("memcollect-agent-*.cdx.json").read_text()
    assert (root / "usr/share/sbom/memcollect-agent.cdx.json").read_text() == text
    bill = json.loads(text)
    assert bills.fault(text) is None
    named = {(each["name"], each["version"]) for each in bill["components"]}
    (packages,) = root.glob("opt/memcollect/lib/python3.*/site-packages")
    python = {tuple(each.name.removesuffix(".dist-info").split("-")) for each in packages.glob("*.dist-info")}
    debian = set()
    for record in (root / "var/lib/dpkg/status.d").iterdir():
        fields = dict(line.split(": ", 1) for line in record.read_text().splitlines() if ": " in line)
        debian.add((fields["Package"], fields["Version"]))
    assert len(debian) >= 8
    assert named == {(name.replace("_", "-"), version) for name, version in python} | debian


def test_what_it_took_of_the_standard_library_has_its_package_named(root: Path) -> None:
    records = {each.name for each in (root / "var/lib/dpkg/status.d").iterdir()}
    (library,) = root.glob("usr/lib/python3.*/json")
    version = library.parent.name
    assert {f"lib{version}-minimal", f"lib{version}-stdlib"} <= records
