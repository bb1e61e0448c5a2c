"""Whether a name (of an option, a variable, a field) is that of a secret. Pure.

By whole words, not by letters in it: `--max-tokens`, `--tokenizer` and `--author` name none.
"""

import re
from itertools import pairwise

LONGEST = 100
"""Characters before a value that are looked at."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SECRETS = _words(
    "password passwd passphrase passcode secret token apikey credential credentials creds cookie signature "
    "bearer jwt dsn otp authorization storepass keypass requirepass masterauth nkey"
)
_AT_THE_END = _words("pass pwd auth sig")
"""Secrets only where they are the last word: `--pass-through`, `--auth-mode`."""
_ENDS = (
    *("password", "passwd", "passphrase", "secret", "token"),
    *("apikey", "accesskey", "secretkey", "privatekey", "accountkey", "sessionid", "sessionkey"),
)
"""Of words that are written in one: `pgpassword`, `authtoken`."""
_KEYS = _words(
    "api access account auth encryption license master private secret session shared signing storage "
    "subscription"
)
"""Before "key"."""
_PAIRS = frozenset({("session", "id"), ("connection", "string"), ("from", "literal")})
_SAY_NO_SECRET = _words(
    "algorithm class count dir directory domain endpoint enabled expiry file files format header issuer "
    "helper ids length lifetime limit method mode name path policy prefix provider realm ref required size "
    "store strategy timeout ttl type url uri username version"
)
"""As the last word: what is said of a secret, or where it lies."""
_COUNT = _words("max min num")
_OF_A_TEXT = _words("bos cls eos image mask pad sep special stop unk")
"""Before "token": a piece of a text, for a language model."""
_NO_PASSWORD = _words("by first second two multi single num")
"""Before "pass"."""


def is_telling(name: str) -> bool:
    """Return whether the value of this name is a secret."""
    words = [word.lower() for word in _WORD.findall(name[-LONGEST:])]
    if not words or words[-1] in _SAY_NO_SECRET or words[0] in _COUNT:
        return False
    before = words[-2] if len(words) > 1 else ""
    if words[-1] == "token" and before in _OF_A_TEXT:
        return False
    if words[-1] in _AT_THE_END and before not in _NO_PASSWORD:
        return True
    if any(word in _SECRETS or word.endswith(_ENDS) for word in words):
        return True
    pairs = set(pairwise(words))
    return bool(pairs & _PAIRS) or any(second == "key" and first in _KEYS for first, second in pairs)
