import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect.secrecy import MASK, forget_secrets, remember_secret, without_secrets
from memcollect.sources.plain import plain, plain_end

KEY = 'k3y-of-"mine"/with&signs-and-some-more'


@pytest.mark.parametrize(
    "shape",
    [
        KEY,
        'k3y-of-\\"mine\\"/with&signs-and-some-more',
        "k3y-of-&quot;mine&quot;/with&amp;signs-and-some-more",
        "k3y-of-%22mine%22%2Fwith%26signs-and-some-more",
    ],
)
def test_a_secret_is_replaced_however_it_is_written(shape: str) -> None:
    remember_secret(KEY)
    assert without_secrets(f"no such key: {shape}!") == f"no such key: {MASK}!"


def test_of_a_header_the_credentials_are_the_secret() -> None:
    remember_secret("Bearer eyJhbGciOi.J9eyJzdW.IiOiJtZSJ9")
    assert without_secrets("token eyJhbGciOi.J9eyJzdW.IiOiJtZSJ9 has expired") == f"token {MASK} has expired"


def test_of_basic_authorization_the_password_is_one_too() -> None:
    remember_secret(f"Basic {base64.b64encode(b'ann:open-sesame').decode()}")
    assert without_secrets("no user ann with open-sesame") == f"no user ann with {MASK}"


def test_what_is_quoted_in_part_is_replaced_too() -> None:
    remember_secret(KEY)
    assert without_secrets(f"no key {KEY[:20]}…, or …{KEY[-15:]}") == f"no key {MASK}…, or …{MASK}"


def test_what_is_too_short_for_a_secret_changes_no_text() -> None:
    remember_secret("1")
    assert without_secrets("HTTP 401") == "HTTP 401"


def test_a_sentence_is_cut_after_its_secrets_are_gone() -> None:
    remember_secret("0123456789" * 150)
    said = "x" * 290 + "0123456789" * 1500
    assert plain(said) == "x" * 290 + (MASK * 10)[:9] + "…"
    assert "456789" not in plain_end(said)


@given(st.text(), st.integers(0, 60), st.text(min_size=6, max_size=60), st.text())
def test_no_text_keeps_a_secret_or_changes_without_one(before: str, cut: int, key: str, after: str) -> None:
    forget_secrets()
    assert without_secrets(before + after) == before + after
    remember_secret(key)
    kept = without_secrets(before + key + after[:cut])
    assert key not in kept or key in MASK
