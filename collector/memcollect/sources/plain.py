"""Text from elsewhere made fit to stand in a sentence of ours. Pure."""

LONGEST = 300


def plain(text: str, longest: int = LONGEST) -> str:
    """Return `text` on one line, its control and other unprintable characters escaped, cut at `longest`.

    What an API server, an agent or a kubeconfig says is not ours: it may move the cursor or run for
    megabytes.
    """
    one_line = " ".join(text[: longest * 4].split())
    escaped = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in one_line)
    return escaped if len(escaped) <= longest else escaped[: longest - 1] + "…"
