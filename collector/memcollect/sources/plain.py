"""Text from elsewhere made fit to stand in a sentence of ours. Pure."""

LONGEST = 300


def plain(text: str, longest: int = LONGEST) -> str:
    """Return `text` on one line, its control and other unprintable characters escaped, cut at `longest`.

    What an API server, an agent or a kubeconfig says is not ours: it may move the cursor or run for
    megabytes.
    """
    escaped = _escaped(text[: longest * 4])
    return escaped if len(escaped) <= longest else escaped[: longest - 1] + "…"


def plain_end(text: str, longest: int = LONGEST) -> str:
    """Return the end of `text` in the same way, after "…" where it was cut: what fails says why at last."""
    end = text.rstrip()
    escaped = _escaped(end[-longest * 4 :])
    if len(escaped) <= longest and len(end) <= longest * 4:
        return escaped
    return "…" + escaped[-(longest - 1) :]


def _escaped(text: str) -> str:
    one_line = " ".join(text.split())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in one_line)
