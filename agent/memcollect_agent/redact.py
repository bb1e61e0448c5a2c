"""Keeping secrets and control characters of command lines on the node.

Masking is by shape, so it errs to the safe side and is no proof that nothing secret is left: full
command lines are a privilege of agents that were started to allow them, and even those are masked.
"""

from collections.abc import Iterator

from memcollect_agent.masking import MASK, masked, masked_arguments

__all__ = ["DEFAULT_LENGTH", "FULL_LENGTH", "MASK", "command_line", "masked", "visible"]

DEFAULT_LENGTH = 512
"""Characters of a command line that are sent unless full ones were asked for and allowed."""
FULL_LENGTH = 32768
MARGIN = 2048
"""Characters behind the cut that masking still sees: a secret that begins before it may be told by what is
behind, such as the @ of a URL."""


def command_line(arguments: list[str], length: int = DEFAULT_LENGTH) -> str:
    """Return the arguments joined by spaces, masked, visible, and at most `length` characters long.

    The value of an option that is named like a secret is masked whether it follows after "=" or as
    the next argument. What was cut off shows as "…".
    """
    # Cut before the regular expressions see it; the second cut is for the reader.
    most = length + MARGIN
    kept = list(_within(arguments, most))
    text = visible(masked(" ".join(masked_arguments(kept))[:most]))
    return text if len(text) <= length else text[: max(length - 1, 0)] + "…"


def visible(text: str) -> str:
    r"""Return `text` with what a terminal might obey written as an escape (\n, \x1b, \u202e).

    That is: every character that is not printable (str.isprintable: controls, format characters such
    as bidirectional overrides, lone surrogates, line separators); an ordinary space stays.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode("ascii")
        for char in text
    )


def _within(arguments: list[str], most: int) -> Iterator[str]:
    """Yield as many arguments as have `most` characters together, the last one cut."""
    left = most
    for argument in arguments:
        if left <= 0:
            return
        yield argument[:left]
        left -= len(argument) + 1
