"""What a release is to be made of, and how."""

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from release.single_file import Target
from release.version import Release


class Order(Struct, frozen=True, kw_only=True):
    """What is asked for."""

    repository: Path
    """A clone whose checked-out commit is released."""
    release: Release
    url: str | None
    """The repository's address on the web."""
    targets: Sequence[Target]
    """What the single file must run on; none: on this Python."""
    with_image: bool
    """Whether the agent's image is built, which only root can."""
