"""Say what is in something we ship, as a CycloneDX document: each Python and each Debian package, by version.

    python3 sbom.py ROOTFS EPOCH_SECONDS        as the image's build calls it: writes ROOTFS/usr/share/sbom/…

It needs cyclonedx-python-lib and nothing of ours, for the image's build has nothing else.
"""

import platform
import re
import sys
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from cyclonedx.model import HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

OURS = "memcollect"
IN_IMAGE = Path("usr/share/sbom/memcollect-agent.cdx.json")
_DEBIANS = Path("var/lib/dpkg/status.d")
_FIELD = re.compile(r"^([A-Za-z-]+): (.*)$", re.MULTILINE)
_NAMES = uuid.UUID("5c1d2a3e-8f0b-4a53-9d0c-6d0f5ad3a7b4")
"""Of serial numbers: the same content always has the same one."""


def main(arguments: list[str]) -> int:
    """Write the image's own document into it; 0: written, 2: wrong usage."""
    if len(arguments) != 2:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    root, epoch_seconds = Path(arguments[0]), int(arguments[1])
    target = root / IN_IMAGE
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(of_image(root, epoch_seconds))
    return 0


def of_image(root: Path, epoch_seconds: int) -> str:
    """Return the document of an image's root file system. Raises ValueError where we are not in it."""
    (site_packages,) = root.glob("opt/memcollect/lib/python3.*/site-packages")
    packages = python_packages(site_packages)
    ours = packages.pop(OURS, None)
    if ours is None:
        raise ValueError(f"{site_packages} has no {OURS}")
    subject = Component(
        name="memcollect-agent",
        version=ours.version,
        type=ComponentType.CONTAINER,
        bom_ref="memcollect-agent",
    )
    debian = list(debian_packages(root))
    if not any(each.name.startswith(("python3", "libpython3")) for each in debian):
        debian.append(interpreter())
    return document(subject, [ours, *packages.values(), *debian], epoch_seconds)


def of_files(
    site_packages: Path, files: Iterable[tuple[str, str]], more: Iterable[str], epoch_seconds: int
) -> str:
    """Return the document of the single file and what carries it.

    `files` are names of shipped files and their SHA-256. `more` are packages of this Python that are in the
    single file beside `site_packages`.
    """
    packages = python_packages(site_packages)
    ours = packages.pop(OURS)
    ours.type = ComponentType.APPLICATION
    ours.components = [
        Component(
            name=name,
            type=ComponentType.FILE,
            bom_ref=name,
            hashes=[HashType.from_composite_str(f"sha256:{digest}")],
        )
        for name, digest in files
    ]
    others = [_python_package(metadata.distribution(name)) for name in more]
    return document(ours, [*packages.values(), *others], epoch_seconds)


def document(subject: Component, parts: Iterable[Component], epoch_seconds: int) -> str:
    """Return the document: the same parts and time always give the same text."""
    parts = sorted(parts, key=lambda part: str(part.bom_ref.value))
    names = "\n".join(str(each.bom_ref.value) for each in [subject, *parts])
    bom = Bom(
        components=parts,
        serial_number=uuid.uuid5(_NAMES, f"{subject.version}\n{epoch_seconds}\n{names}"),
        metadata=BomMetaData(
            component=subject,
            timestamp=datetime.fromtimestamp(epoch_seconds, UTC),
            tools=ToolRepository(components=[_python_package(metadata.distribution("cyclonedx-python-lib"))]),
        ),
    )
    bom.register_dependency(subject, parts)
    text: str = JsonV1Dot6(bom).output_as_string(indent=2)
    return f"{text}\n"


def python_packages(site_packages: Path) -> dict[str, Component]:
    """Return what is installed there, by its name on an index."""
    found = (_python_package(each) for each in metadata.distributions(path=[str(site_packages)]))
    return {each.name: each for each in found}


def _python_package(distribution: metadata.Distribution) -> Component:
    name = re.sub(r"[-_.]+", "-", distribution.name).lower()
    purl = PackageURL("pypi", None, name, distribution.version)
    expression, text = _said(distribution, "License-Expression"), _said(distribution, "License")
    licences = (
        [LicenseExpression(expression)] if expression else [DisjunctiveLicense(name=text)] if text else []
    )
    return Component(
        name=name,
        version=distribution.version,
        type=ComponentType.LIBRARY,
        purl=purl,
        bom_ref=str(purl),
        description=_said(distribution, "Summary"),
        licenses=licences,
    )


def _said(distribution: metadata.Distribution, field: str) -> str | None:
    said = distribution.metadata.get_all(field)
    return said[0] if said else None


def debian_packages(root: Path) -> Iterator[Component]:
    """Yield the packages of Debian that a root file system says it has files of.

    `upstream` names the source package, which Debian's security notices are about.
    """
    release = dict(
        line.replace('"', "").split("=", 1)
        for line in (root / "etc/os-release").read_text().splitlines()
        if line
    )
    distro = f"{release.get('ID', 'linux')}-{release.get('VERSION_ID', 'unknown')}"
    for record in sorted((root / _DEBIANS).glob("*")):
        fields = dict(_FIELD.findall(record.read_text()))
        qualifiers = {"arch": fields["Architecture"], "distro": distro}
        if "Source" in fields:
            qualifiers["upstream"] = fields["Source"].split(" ")[0]
        purl = PackageURL(
            "deb", release.get("ID", "debian"), fields["Package"], fields["Version"], qualifiers
        )
        yield Component(
            name=fields["Package"],
            version=fields["Version"],
            type=ComponentType.LIBRARY,
            purl=purl,
            bom_ref=str(purl),
            description=fields.get("Description"),
        )


def interpreter() -> Component:
    """Return the Python that runs this, for an image whose interpreter no package of Debian brought."""
    version = platform.python_version()
    purl = PackageURL("generic", None, "python", version)
    return Component(
        name="python",
        version=version,
        type=ComponentType.PLATFORM,
        purl=purl,
        bom_ref=str(purl),
        licenses=[LicenseExpression("PSF-2.0")],
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
