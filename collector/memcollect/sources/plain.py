"""Text from elsewhere made fit to stand in a sentence of ours. Pure."""

from memcollect.secrecy import without_secrets

LONGEST = 300
_MOST = 1 << 16
"""Characters that are looked through for secrets: far more than are shown, whatever masking takes away."""


def plain(text: str, longest: int = LONGEST) -> str:
    """Return `text` on one line, its control and other unprintable characters escaped, cut at `longest`.

    What an API server, an agent or a kubeconfig says is not ours: it may move the cursor, run for
    megabytes, or repeat a secret that was sent to it, which is replaced.
    """
    escaped = _escaped(without_secrets(text[:_MOST])[: longest * 4])
    return escaped if len(escaped) <= longest else escaped[: longest - 1] + "…"


def plain_end(text: str, longest: int = LONGEST) -> str:
    """Return the end of `text` in the same way, after "…" where it was cut: what fails says why at last."""
    end = without_secrets(text[-_MOST:]).rstrip()
    escaped = _escaped(end[-longest * 4 :])
    if len(escaped) <= longest and len(end) <= longest * 4:
        return escaped
    return "…" + escaped[-(longest - 1) :]


def _escaped(text: str) -> str:
    one_line = " ".join(text.split())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in one_line)
