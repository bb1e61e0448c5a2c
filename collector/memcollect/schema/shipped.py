"""The schemas as files of the package, made by `scripts/make-schema` and held to the structs by a test."""

from __future__ import annotations

from importlib.resources import files

from memcollect.errors import UsageError
from memcollect.schema.kinds import KINDS


def shipped(name: str) -> str:
    """Return the JSON Schema of the kind of document called `name`. Raises UsageError where there is none."""
    if name not in KINDS:
        raise UsageError(f"No document is called {name}.", f"There are: {', '.join(KINDS)}.")
    return files("memcollect.schema").joinpath("files", f"{name}.json").read_text("utf-8")
