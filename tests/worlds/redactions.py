"""What a redaction has done, said of a text of the original."""

import re

from memcollect.redaction.arguments import vocabulary
from memcollect.redaction.words import Words

KEY = b"a key of tests, 16 bytes or more"


def renamed(text: str, words: Words) -> str:
    """Return a text of the original with each name replaced that is no word of our sentences, too."""
    ordinary = vocabulary() | {"stubs"}
    for name in sorted(set(words.replaced) - ordinary, key=len, reverse=True):
        text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", words.replaced[name], text)
    return text
