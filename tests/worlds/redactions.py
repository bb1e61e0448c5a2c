"""What a redaction has done, undone."""

import re

from memcollect.redaction.words import Words

KEY = b"a key of tests, 16 bytes or more"


def named(text: str, words: Words) -> str:
    """Return a text of what was redacted with the original's names: what replaces them is no word of ours."""
    originals = {new: old for old, new in words.replaced.items()}
    # An id of 64 digits is shown by its first twelve.
    originals |= {new[:12]: old[:12] for new, old in originals.items() if len(old) == len(new) == 64}
    for new in sorted(originals, key=len, reverse=True):
        text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(new)}(?![A-Za-z0-9])", lambda _: originals[new], text)  # noqa: B023
    return text
