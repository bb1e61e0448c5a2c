"""All artifacts of one commit, in their order: what is made of what, and what the page says of each."""

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from release import chart, image, krew, page, sbom, single_file, tree, wheels
from release.order import Order
from release.page import Artifact
from release.single_file import PYTHONS, Recipe
from release.version import Release

_ALL_PYTHONS = f"""\
For CPython {", ".join(PYTHONS)} on Linux (glibc; x86-64, arm64) and macOS (arm64). It unpacks itself once
into ~/.shiv (SHIV_ROOT=DIRECTORY puts it elsewhere). Tests run it on Linux, x86-64; for the others it holds
PyPI's wheels, untried."""
_IMAGE = """\
Its name is the one that the chart and deploy/base use, so a node that has it needs no registry. With buildah
and Debian's packages of the same versions it is made the same to the byte: the next file names those."""
_THIS_PYTHON = f"For CPython {sys.version_info.major}.{sys.version_info.minor} on this kind of machine alone."


def make(order: Order, into: Path, say: Callable[[str], None]) -> None:
    """Make all in a place of its own, then move it into the directory `into`.

    `say` hears what is begun. Raises ReleaseError, with nothing moved, where a part cannot be made.
    """
    with tempfile.TemporaryDirectory(prefix="memcollect-dist.") as name:
        made = Path(name, "made")
        made.mkdir()
        artifacts = _made(order, Path(name), made, say)
        page.write(artifacts, order, made)
        into.mkdir(parents=True, exist_ok=True)
        for file in sorted(made.iterdir()):
            shutil.move(file, into / file.name)


def _made(order: Order, work: Path, made: Path, say: Callable[[str], None]) -> list[Artifact]:
    release, source, alone = order.release, work / "tree", made / "memcollect.pyz"
    say(f"the tree of {release.pep440}")
    tree.exported(order.repository, release, order.url, source)
    say("sdist and wheel")
    sdist, wheel = wheels.build(source, release.epoch_seconds, made)
    say("the single file and the kubectl plugin")
    recipe = Recipe(
        wheel=wheel,
        lock=source / "release/collector.lock",
        targets=order.targets,
        epoch_seconds=release.epoch_seconds,
        share=source / "share",
    )
    packages = single_file.build(recipe, work / "single-file", alone)
    plugin, manifest = krew.build(alone, source, release, order.url, made)
    say("the chart")
    helm = chart.build(source, release, order.url, made)
    say("what is in the single file")
    shipped = [(each.name, page.digest(each)) for each in (sdist, wheel, alone, plugin)]
    bill = made / f"memcollect-{release.semver}.cdx.json"
    bill.write_text(sbom.of_files(packages, shipped, single_file.PACKED_BY, release.epoch_seconds))
    agent = []
    if order.with_image:
        say("the agent's image")
        agent = _image(*image.build(source, release, order.url, work / "image", made), release)
    return [
        *_python_packages(sdist, wheel),
        Artifact(
            file=alone,
            title="One file for a machine without pip",
            commands=(
                "install -m 755 memcollect.pyz ~/.local/bin/memcollect",
                "memcollect doctor",
                "unzip memcollect.pyz 'share/*' -d ~/.local    # completions and manual pages",
            ),
            note=_ALL_PYTHONS if order.targets else _THIS_PYTHON,
        ),
        *_plugin(plugin, manifest, order.url),
        Artifact(
            file=helm,
            title="Helm chart of the agents",
            commands=(f"helm install memcollect {helm.name}", f"helm show values {helm.name}"),
            note="It makes the objects of `kubectl apply -k deploy/`; with `--set overlay=NAME` those of\n"
            "`kubectl apply -k deploy/overlays/NAME`.",
        ),
        Artifact(
            file=bill,
            title="What is in the single file and the plugin (CycloneDX)",
            commands=(f"jq -r '.components[].purl' {bill.name}",),
            note="Wheel and sdist bring none of it: pip installs releases of the same projects. Those that\n"
            "we build with are in release/collector.lock, by hash.",
        ),
        *agent,
    ]


def _image(archive: Path, bill: Path, release: Release) -> list[Artifact]:
    return [
        Artifact(
            file=archive,
            title=f"Image of the agent (OCI, linux/{image.architecture()})",
            commands=(
                f"ssh NODE sudo ctr -n k8s.io images import - < {archive.name}",
                f"skopeo copy oci-archive:{archive.name} docker://REGISTRY/memcollect-agent:{release.image_tag}",
            ),
            note=_IMAGE,
        ),
        Artifact(
            file=bill,
            title="What is in the image (CycloneDX)",
            commands=(f"jq -r '.components[].purl' {bill.name}",),
            note="The same is in the image, as /usr/share/sbom/memcollect-agent.cdx.json.",
        ),
    ]


def _python_packages(sdist: Path, wheel: Path) -> list[Artifact]:
    return [
        Artifact(
            file=wheel,
            title="Wheel",
            commands=(
                f"pip install './{wheel.name}[collector]'     # where you sit",
                f"pip install './{wheel.name}[agent]'         # on a node",
            ),
            note="Completions for bash, zsh and fish, and manual pages, come with it, below share/ of the\n"
            "environment.",
        ),
        Artifact(file=sdist, title="Source", commands=(f"pip install './{sdist.name}[collector]'",)),
    ]


def _plugin(plugin: Path, manifest: Path, url: str | None) -> list[Artifact]:
    published = "" if url else f" Its address, {krew.NOWHERE}, leads nowhere: `make dist URL=…` sets one."
    return [
        Artifact(
            file=plugin,
            title="kubectl plugin",
            commands=(
                f"kubectl krew install --manifest={manifest.name} --archive={plugin.name}",
                "kubectl memcollect doctor",
            ),
            note=f"Without krew: `tar -xzf {plugin.name} {krew.BIN}`, into a directory of the PATH.",
        ),
        Artifact(
            file=manifest,
            title="krew's manifest",
            commands=(f"sed -n 's/^ *sha256: //p' {manifest.name} | sort -u",),
            note=f"That is the plugin's SHA-256 above.{published}",
        ),
    ]
