"""Which checks a planted fault may break, and which of them it must: (row, check)."""

from memcollect.evidence.catalogue import ROWS
from memcollect.evidence.checks import Row

Named = frozenset[tuple[str, str]]


def _of(row: str, *checks: str) -> Named:
    return frozenset((row, check) for check in checks)


MUST_BREAK: dict[str, Named] = {
    "lost-exit-codes": _of("Commands", "exit-7", "killed", "not-found"),
    "kept-timed-out": _of("Commands", "after-the-limit"),
    "silent-cut": _of("Commands", "large-output"),
    "lost-stderr": _of("Commands", "stderr", "output-of-failure"),
    "kept-environment": _of("Commands", "environment"),
    "environment-on-command-line": _of("Commands", "secret-environment"),
    "mangled-bytes": _of("Files", "every-byte-in") | _of("Uploads", "put-is-visible"),
    "overwriting-append": _of("Files", "append-to-error"),
    "empty-for-missing": _of("Files", "missing-file"),
    "silent-glob": _of("Files", "glob-201"),
    "artifacts-at-release": _of("Artifacts", "at-once"),
    "inline-html": _of("Artifacts", "html", "svg"),
    "open-traversal": _of("Artifacts", "traversal"),
    "uploads-at-creation": _of("Uploads", "after-creation"),
    "no-ranges": _of("Artifacts", "range"),
    "shared-threads": _of("Isolation", "one-thread-of-two-users"),
    "left-pods": _of("Cleanup", "pods", "processes"),
    "lost-data": _of("Paths", "kept-over-re-creation"),
    "writable-skills": _of("Paths", "skills-public", "acp-workspace") | _of("Files", "read-only"),
    "no-idle": _of("Cleanup", "idle"),
    "handed-on": _of("Isolation", "handed-on"),
}
MAY_BREAK: dict[str, Named] = {
    **MUST_BREAK,
    "mangled-bytes": MUST_BREAK["mangled-bytes"] | _of("Artifacts", "at-once"),
    # Whatever asks the gateway for an artifact of a sandbox that runs is not answered.
    "artifacts-at-release": _of("Artifacts", "at-once", "large", "range", "html", "svg", "nested"),
    # Whatever uploads to a sandbox that runs does not come into it.
    "uploads-at-creation": _of("Uploads", "after-creation", "writable", "downloadable", "twice"),
    "left-pods": MUST_BREAK["left-pods"] | _of("Cleanup", "release", "restart"),
    "lost-data": MUST_BREAK["lost-data"] | _of("Artifacts", "after-the-sandbox"),
    "writable-skills": MUST_BREAK["writable-skills"] | _of("Paths", "skills-custom", "skills-legacy"),
    "handed-on": MUST_BREAK["handed-on"] | _of("Cleanup", "release", "idle"),
}
LONG = frozenset({"large-file", "large", "too-large", "two-at-once", "time-limit", "background"})
"""Checks that take seconds and that no planted fault is about."""
OF_THE_MACHINE = frozenset({"metadata"})
"""What this machine itself may answer for: the backend's processes are no containers."""


def rows_for(faults: frozenset[str]) -> list[Row]:
    """Return the rows in which these faults can show, without what takes long."""
    from msgspec.structs import replace  # noqa: PLC0415

    names = {row for fault in faults for row, _ in MAY_BREAK[fault]}
    left_out = LONG | OF_THE_MACHINE
    return [
        replace(row, checks=tuple(check for check in row.checks if check.name not in left_out))
        for row in ROWS
        if row.name in names
    ]
