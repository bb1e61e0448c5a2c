"""A file whose numbers contradict each other: one sentence, whichever command was given it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from memcollect.errors import DocumentError


@contextmanager
def numbers_of(document: str) -> Iterator[None]:
    """Raise a DocumentError that names the file `document` for what its numbers raise when taken apart."""
    from memcollect.join.contained import IMPOSSIBLE  # noqa: PLC0415 (bad files are told without it)

    try:
        yield
    except IMPOSSIBLE as error:
        raise DocumentError(
            f"{document} has numbers that contradict each other: {error}.",
            "Was it edited? Take a new snapshot.",
        ) from error
