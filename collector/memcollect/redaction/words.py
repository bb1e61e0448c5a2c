"""One run's replacements: the same name is replaced alike wherever it stands, by a key that nobody keeps.

A name becomes "x" and letters that are no syllable; an id becomes another id of the same shape, for runtimes
and pods are told by these shapes. Without the key nobody can try whether a name is the one. Pure.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from memcollect.redaction.known import PREFIXES, is_known, known_parts

LETTERS = "bcdfghjkmnpqrstvwxz23456789"
"""Without vowels, so that no word comes of them."""
LENGTH = 9
SHORT_ID = 12
"""Characters of an id that stand for it: what begins so is replaced alike."""
_UUID = re.compile(r"[0-9a-fA-F]{8}([-_])[0-9a-fA-F]{4}(?:\1[0-9a-fA-F]{4}){2}\1[0-9a-fA-F]{12}")
_HEX = re.compile(r"(?=[0-9]*[a-f])[0-9a-f]{12,128}")
_INSIDE = re.compile(
    r"(?:(?<=pod)|(?<![0-9a-fA-F]))(?:[0-9a-fA-F]{8}([-_])[0-9a-fA-F]{4}(?:\1[0-9a-fA-F]{4}){2}\1[0-9a-fA-F]{12}|[0-9a-f]{32,128})"
    r"(?![0-9a-fA-F])"
)
_PLAIN = re.compile(r"[A-Za-z0-9_.-]+")
_NUMBER = re.compile(r"[0-9][0-9.,:]*(?:[KMGTP]i?)?")
_UNIT = re.compile(r"(.+)(\.(?:service|scope|slice|socket|mount|swap))")
_LIBRARY = re.compile(r".+(\.so)(?:\.[0-9]+)*")
_JOINTS = re.compile(r"([-_.:@+]+)")


class Words:
    """The replacements of one run. `replaced` has what was replaced, and by what."""

    def __init__(self, key: bytes) -> None:
        """Replace by `key`, of 16 bytes or more."""
        self._key = key
        self.replaced: dict[str, str] = {}
        self._given: set[str] = set()
        self._odd: list[str] = []
        self._odd_of = 0

    def name(self, text: str) -> str:
        """Return what stands for one name, without a "/" in it."""
        found = self.replaced.get(text)
        if found is None:
            if self.stays(text):
                return text
            found = self.replaced[text] = self._new(text)
            self._given.add(found)
        return found

    def hidden(self, text: str) -> str:
        """Return what stands for a word of somebody's sentence: it need be no name, and is not remembered."""
        known = self.replaced.get(text)
        return known or "/".join(part if self.stays(part) else self._new(part) for part in text.split("/"))

    def stays(self, text: str) -> bool:
        """Return whether it is nothing to be hidden: a number, a mark, well known, or already replaced."""
        return (
            text in self._given
            or not any(character.isalnum() for character in text)
            or bool(_NUMBER.fullmatch(text))
            or is_known(text)
        )

    def odd(self) -> list[str]:
        """Return the names so far that are more than one word, the longest first."""
        if self._odd_of != len(self.replaced):
            self._odd_of = len(self.replaced)
            self._odd = sorted(
                (each for each in self.replaced if not _PLAIN.fullmatch(each)), key=lambda each: -len(each)
            )
        return self._odd

    def names(self, text: str) -> str:
        """Return what stands for names with "/" between them: NAMESPACE/NAME, a path."""
        return "/".join(self.name(part) for part in text.split("/"))

    def _new(self, text: str) -> str:
        shapes = (
            self._uuid,
            self._id,
            self._with_id,
            self._unit,
            self._prefixed,
            self._library,
            self._service,
        )
        found = (shape(text) for shape in shapes)
        return next((each for each in found if each is not None), None) or self._word(text)

    def _word(self, text: str) -> str:
        digest = int.from_bytes(self._hash(text), "big")
        letters = []
        for _ in range(LENGTH):
            digest, at = divmod(digest, len(LETTERS))
            letters.append(LETTERS[at])
        return f"x{''.join(letters)}"

    def _hash(self, text: str) -> bytes:
        return hmac.new(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()

    def _uuid(self, text: str) -> str | None:
        if not _UUID.fullmatch(text):
            return None
        plain = text.lower().replace("-", "").replace("_", "")
        digits = self._hash(plain).hex()[:32]
        mark = text[8]
        return mark.join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def _id(self, text: str) -> str | None:
        """Return an id of the same length; of one that begins it the beginning of it."""
        if not _HEX.fullmatch(text):
            return None
        begin = self._hash(text[:SHORT_ID]).hex()[:SHORT_ID]
        rest = (self._hash(text).hex() + self._hash(f"{text} ").hex())[: len(text) - SHORT_ID]
        # One letter at least, or it would be a number.
        return f"f{begin[1:]}{rest}"

    def _with_id(self, text: str) -> str | None:
        """Return a cgroup's name in which an id stands, such as cri-containerd-ID.scope."""
        if not _INSIDE.search(text):
            return None
        pieces, done = [], 0
        for match in _INSIDE.finditer(text):
            pieces += [self._joined(text[done : match.start()]), self.name(match[0])]
            done = match.end()
        return "".join([*pieces, self._joined(text[done:])])

    def _joined(self, text: str) -> str:
        """Return what stands for words with joints between them, such as kubepods-burstable-pod."""
        return "".join(
            part if at % 2 or not part else self.name(part) for at, part in enumerate(_JOINTS.split(text))
        )

    def _unit(self, text: str) -> str | None:
        match = _UNIT.fullmatch(text)
        if match is None:
            return None
        stem = match[1]
        parts = _JOINTS.split(stem)[::2]
        common = all(is_known(part) or _NUMBER.fullmatch(part) for part in parts if part)
        return (stem if common else self._prefixed(stem) or self.name(stem)) + match[2]

    def _prefixed(self, text: str) -> str | None:
        for prefix in PREFIXES:
            if text.startswith(prefix) and len(text) > len(prefix):
                return prefix + self.name(text[len(prefix) :])
        return None

    def _library(self, text: str) -> str | None:
        match = _LIBRARY.fullmatch(text)
        return self._word(text) + match[1] if match else None

    def _service(self, text: str) -> str | None:
        parts = known_parts(text)
        if parts is None:
            return None
        before, after = parts
        return before + self._word(text) + after
