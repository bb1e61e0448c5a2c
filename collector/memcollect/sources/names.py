"""Names that go into the path of a request. Pure."""

import re

from memcollect.errors import UsageError
from memcollect.sources.plain import plain

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", re.ASCII)


def checked(kind: str, name: str) -> str:
    """Return `name` where Kubernetes could have an object of that name; `kind` is for the sentence.

    "..", "a/b" or "a?b" would ask another question than the one that was meant. Raises UsageError.
    """
    if _SUBDOMAIN.fullmatch(name) is None or ".." in name:
        raise UsageError(
            f"{plain(name, 80)!r} cannot be the name of a {kind}.",
            "Names are of a-z, 0-9, '-' and '.', and begin and end with a letter or digit.",
        )
    return name
