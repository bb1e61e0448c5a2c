"""apt's sources, in both styles of sources.list(5), and where in them Debian's archive may be. Pure."""

import re
from collections.abc import Sequence
from typing import NamedTuple

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
"""Debian's keys of all releases, from its package of that name."""
_KEYS_OF_ONE_RELEASE = re.compile(r"/\S*/debian-archive-(?!keyring\b)[\w-]+\.\w+")

_RELEASES = {
    *("buster", "bullseye", "bookworm", "trixie", "forky", "duke", "sid"),
    *("oldoldstable", "oldstable", "stable", "testing", "unstable"),
}
"""Suites of the archive proper; those of security, updates and backports have a suffix."""
_TRUST = {
    field.lower(): field
    for field in ("Signed-By", "Trusted", "Allow-Insecure", "Allow-Weak", "Allow-Downgrade-To-Insecure")
}
"""What a source says of trust, by its names in lower case."""
_OFF = {"no", "false", "without", "off", "disable", "0"}
_FIELD = re.compile(r"^([^\s:]+):[ \t]*(.*(?:\n[ \t].*)*)", re.MULTILINE)
_LINE = re.compile(r"\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)")

Trust = tuple[tuple[str, str], ...]
"""Fields in deb822's names; a key that stands in the source itself is a value of several lines."""


class Source(NamedTuple):
    """One entry."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    trust: Trust = ()


class Mirror(NamedTuple):
    """One address that may have the archive."""

    uri: str
    trust: Trust = ()

    def stanza(self, suite: str) -> str:
        """Return a source of `suite` from it, in deb822 style."""
        fields = [
            ("Types", "deb"),
            ("URIs", self.uri),
            ("Suites", suite),
            ("Components", "main"),
            *self.trust,
        ]
        return "".join(f"{name}: {value}\n" for name, value in fields)


def mirrors_of(sources: Sequence[Source]) -> list[Mirror]:
    """Return where Debian's archive may be: sources of a release's `main`, those with others' keys last."""
    found = [
        Mirror(uri.rstrip("/"), _of_all_releases(source.trust))
        for source in sources
        if "main" in source.components and _RELEASES.intersection(source.suites)
        for uri in source.uris
        if not uri.startswith("cdrom:")
    ]
    return sorted(dict.fromkeys(found), key=_has_others_keys)


def read_lines(text: str) -> list[Source]:
    """Return the entries of a file in the one-line style."""
    return [_entry(*match.groups()) for line in text.splitlines() if (match := _LINE.match(line))]


def read_stanzas(text: str) -> list[Source]:
    """Return the entries of a file in deb822 style, without those that are off or give no programs."""
    sources = []
    for stanza in re.split(r"\n[ \t]*\n", re.sub(r"^#.*\n?", "", text, flags=re.MULTILINE)):
        fields = {name.lower(): value.rstrip() for name, value in _FIELD.findall(stanza)}
        off = fields.get("enabled", "yes").lower() in _OFF
        if not off and "deb" in fields.get("types", "").split():
            uris, suites, components = (
                tuple(fields.get(name, "").split()) for name in ("uris", "suites", "components")
            )
            sources.append(Source(uris, suites, components, _trust(fields)))
    return sources


def _entry(options: str | None, uri: str, suite: str, components: str) -> Source:
    fields = dict(option.split("=", 1) for option in (options or "").split() if "=" in option)
    return Source((uri,), (suite,), tuple(components.split()), _trust(fields))


def _trust(fields: dict[str, str]) -> Trust:
    return tuple((_TRUST[name.lower()], value) for name, value in fields.items() if name.lower() in _TRUST)


def _of_all_releases(trust: Trust) -> Trust:
    """Let Debian's keys of all releases stand for those of one: another release is signed with others."""
    return tuple((name, _KEYS_OF_ONE_RELEASE.sub(KEYRING, value)) for name, value in trust)


def _has_others_keys(mirror: Mirror) -> bool:
    signed_by = dict(mirror.trust).get("Signed-By")
    return signed_by is not None and "debian-archive" not in signed_by
