"""The README as an index shows it, where a link into the tree leads nowhere."""

import re

_LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
_BEYOND = re.compile(r"[a-z][a-z0-9+.-]*:")


def for_index(markdown: str, url: str | None, revision: str) -> str:
    """Return the text with every relative link made absolute below `url`, a repository's address on the web.

    Without an address the words stay and the links go, and a picture goes whole. Links within the page stay.
    """

    def replaced(match: "re.Match[str]") -> str:
        text, target = match["text"], match["target"]
        if _BEYOND.match(target) or target.startswith("#"):
            return match[0]
        if url is None:
            return "" if match["picture"] else text
        kind = "raw" if match["picture"] else "blob"
        return f"{match['picture']}[{text}]({url}/{kind}/{revision}/{target})"

    return "".join(
        block if block.startswith("    ") else _LINK.sub(replaced, block)
        for block in markdown.splitlines(keepends=True)
    )


def relative_links(markdown: str) -> list[str]:
    """Return the targets of all links that lead nowhere outside the tree."""
    return [
        match["target"]
        for line in markdown.splitlines()
        if not line.startswith("    ")
        for match in _LINK.finditer(line)
        if not _BEYOND.match(match["target"]) and not match["target"].startswith("#")
    ]
