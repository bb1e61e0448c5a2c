"""Which images the sandboxes ran that were tried: what was found out holds of them alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from memcollect.evidence.document import TriedImage
from memcollect.kubernetes.objects import Pod

UNSEEN = "the pod of a sandbox that was tried was not seen"
NO_PODS = "the sandboxes that were tried are no pods that memcollect sees"


@dataclass
class TriedImages:
    """What was seen of the sandboxes' pods. Several threads may add to it."""

    found: set[TriedImage] = field(default_factory=set)
    unseen: bool = False

    def see(self, pod: Pod | None) -> None:
        """Add a sandbox's pod as the API has it once its sandbox is ready; None: it was not seen."""
        if pod is None:
            self.unseen = True
            return
        status = pod.status
        for each in (*status.init_container_statuses, *status.container_statuses):
            self.found.add(TriedImage(container=each.name, image=each.image, image_id=each.image_id))

    def told(self) -> tuple[list[TriedImage], str]:
        """Return the images in an order of their own, and why they may not be all."""
        ordered = sorted(self.found, key=lambda each: (each.container, each.image, each.image_id))
        return ordered, UNSEEN if self.unseen else ""
