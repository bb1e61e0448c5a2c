"""apt's sources are read in both styles, with what they say of trust."""

import pytest

from memcollect.lab.apt_sources import KEYRING, Mirror, Source, mirrors_of, read_lines, read_stanzas

LINES = """\
# deb http://off.example/debian bookworm main
deb http://mirror.example/debian bookworm main contrib  # ours
deb [arch=amd64 signed-by=/etc/apt/keys/ours.gpg] https://user:secret@mirror.example/d trixie main
deb [ trusted=yes ] http://lan.example/debian sid main
deb-src http://mirror.example/debian bookworm main
"""

STANZAS = """\
# A comment
Types: deb
# in a stanza, too
URIs: http://one.example/debian http://two.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://sources.example/debian
Suites: bookworm
Components: main
\x20
types: deb deb-src
uris: http://three.example/debian
suites: sid
components: main
signed-by:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mDMEY
 -----END PGP PUBLIC KEY BLOCK-----
"""


def test_the_one_line_style_with_its_options() -> None:
    signed = (("Signed-By", "/etc/apt/keys/ours.gpg"),)
    assert read_lines(LINES) == [
        Source(("http://mirror.example/debian",), ("bookworm",), ("main", "contrib")),
        Source(("https://user:secret@mirror.example/d",), ("trixie",), ("main",), signed),
        Source(("http://lan.example/debian",), ("sid",), ("main",), (("Trusted", "yes"),)),
    ]


def test_the_deb822_style_with_several_addresses_comments_and_a_key_in_it() -> None:
    first, second = read_stanzas(STANZAS)
    assert first == Source(
        ("http://one.example/debian", "http://two.example/debian"),
        ("bookworm", "bookworm-updates"),
        ("main",),
        (("Signed-By", KEYRING),),
    )
    assert second.uris == ("http://three.example/debian",)
    ((name, key),) = second.trust
    assert (name, key.splitlines()[1]) == ("Signed-By", " -----BEGIN PGP PUBLIC KEY BLOCK-----")


def test_a_key_that_stands_in_a_source_is_read_again_from_the_stanza_made_of_it() -> None:
    source = read_stanzas(STANZAS)[1]
    (mirror,) = mirrors_of([source])
    (again,) = read_stanzas(mirror.stanza("trixie"))
    assert again == Source(source.uris, ("trixie",), ("main",), source.trust)


@pytest.mark.parametrize(
    "source",
    [
        Source(("http://a.example",), ("bookworm-security",), ("main",)),
        Source(("http://a.example",), ("bookworm-backports",), ("main",)),
        Source(("http://a.example",), ("noble",), ("main", "universe")),
        Source(("http://a.example",), ("bookworm",), ("contrib",)),
        Source(("cdrom:[Debian]/",), ("bookworm",), ("main",)),
        Source(("http://a.example",), ("./",), ()),
    ],
)
def test_what_is_no_archive_of_a_release_is_left_out(source: Source) -> None:
    assert mirrors_of([source]) == []


def test_each_mirror_is_named_once_and_those_with_others_keys_last() -> None:
    ours = (("Signed-By", KEYRING),)
    others = (("Signed-By", "/etc/apt/keys/vendor.gpg"),)
    sources = [
        Source(("http://vendor.example/apt",), ("stable",), ("main",), others),
        Source(("http://a.example/debian/", "http://b.example/debian"), ("bookworm",), ("main",), ours),
        Source(("http://a.example/debian",), ("trixie",), ("main",), ours),
    ]
    assert mirrors_of(sources) == [
        Mirror("http://a.example/debian", ours),
        Mirror("http://b.example/debian", ours),
        Mirror("http://vendor.example/apt", others),
    ]


def test_the_keys_of_one_release_are_replaced_by_those_of_all() -> None:
    keys = "/usr/share/keyrings/debian-archive-bookworm-stable.gpg"
    source = Source(("http://a.example",), ("bookworm",), ("main",), (("Signed-By", keys),))
    assert mirrors_of([source]) == [Mirror("http://a.example", (("Signed-By", KEYRING),))]
