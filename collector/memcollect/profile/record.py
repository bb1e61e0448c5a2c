"""The run document in the making: on the disk after every step, so that nothing measured is lost."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import msgspec

from memcollect.documents.bundle import BundleWriter
from memcollect.documents.run import SNAPSHOT_FOLDER, Event, NodeEvidence, PhaseRun, RunManifest
from memcollect.profile.plan.blocks import Block
from memcollect.secrecy import without_secrets


class Record:
    """A bundle that grows."""

    def __init__(self, writer: BundleWriter, manifest: RunManifest) -> None:
        """Go on with `manifest`, which holds what earlier parts of the run have measured."""
        self._writer = writer
        self.manifest = manifest

    def event(self, kind: str, **more: str | int | None) -> None:
        """Append an event; it is on the disk when this returns. Its detail may be of elsewhere."""
        if isinstance(detail := more.get("detail"), str):
            more["detail"] = without_secrets(detail)
        self._writer.event(msgspec.convert({"at": time.time(), "kind": kind, **more}, Event))

    def file(self, path: str, content: bytes) -> str:
        """Put a file into the bundle and return its path."""
        self._writer.write(path, content)
        return path

    def add(self, run: PhaseRun) -> None:
        """Add what came of a phase."""
        self._change(phases=[*self.manifest.phases, run])

    def close_block(self, block: Block, nodes: Sequence[NodeEvidence]) -> None:
        """Add what was seen after the deletion of a block's sandboxes to its last phase."""
        own = [index for index, run in enumerate(self.manifest.phases) if block.holds(run)]
        if own and nodes:
            phases = list(self.manifest.phases)
            last = phases[own[-1]]
            phases[own[-1]] = msgspec.structs.replace(last, nodes=[*last.nodes, *nodes])
            self._change(phases=phases)

    def reopen_block(self, block: Block) -> None:
        """Forget the phases of a block that is begun again."""
        kept = [run for run in self.manifest.phases if not block.holds(run)]
        if len(kept) < len(self.manifest.phases):
            self.event("block-begun-again", repeat=block.repeat)
            self._change(phases=kept)

    def add_nodes(self, nodes: Sequence[NodeEvidence]) -> None:
        """Add looks at the nodes before or after the whole run."""
        self._change(nodes=[*self.manifest.nodes, *nodes])

    def add_images(self, images: Mapping[str, Sequence[str]]) -> None:
        """Add image ids by container name."""
        merged = {name: set(ids) for name, ids in self.manifest.images.items()}
        for name, ids in images.items():
            merged.setdefault(name, set()).update(ids)
        self._change(images={name: sorted(ids) for name, ids in sorted(merged.items())})

    def save(self) -> bool:
        """Write the manifest once more where events came after it; return whether they did."""
        events = self._writer.events_entry()
        if events is None or events in self.manifest.files:
            return False
        self._change()
        return True

    def page(self, text: str) -> None:
        """Write the page. It names the manifest's hash: whatever is recorded after it makes it untrue."""
        self._writer.write_page(text)

    def finish(self) -> None:
        """Mark the run as whole."""
        self._change(finished_at=time.time())

    def _change(self, **fields: object) -> None:
        self.manifest = self._writer.write_manifest(msgspec.structs.replace(self.manifest, **fields))


def snapshot_path(run: PhaseRun) -> str:
    """Return where a phase's snapshot is: a name a person can read, the same when it is taken again.

    No phase's name has a dot in it, so no two of a plan's measurements share a file.
    """
    parts = [f"r{run.repeat:03d}-{run.phase}"]
    parts += [f"x{run.step}"] if run.step is not None else []
    parts += [f"c{run.cycle:03d}"] if run.cycle is not None else []
    return f"{SNAPSHOT_FOLDER}/{'.'.join(parts)}.json"
