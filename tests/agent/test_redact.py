import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect_agent import redact
from memcollect_agent.read.procfs import COMMAND_LIMIT
from worlds.secret_shapes import FREE, HARMLESS, KEYS, V

HIDDEN = "Zq9xVeryHidden7"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "arguments",
    [
        ["app", f"--token={HIDDEN}"],
        ["app", "--password", HIDDEN],
        ["app", "-password", HIDDEN],
        ["app", "--db-password", HIDDEN, "--verbose"],
        ["env", f"PASSWORD={HIDDEN}", "app"],
        ["env", f"OPENAI_API_KEY={HIDDEN}", "app"],
        ["env", f"AWS_SECRET_ACCESS_KEY={HIDDEN}"],
        ["sh", "-c", f"export API_TOKEN='{HIDDEN} {HIDDEN}'; run"],
        ["curl", "-H", f"Authorization: Bearer {HIDDEN}"],
        ["curl", "-H", f"authorization: {HIDDEN}"],
        ["curl", "-H", f"X-Api-Key: {HIDDEN}"],
        ["curl", f"https://user:{HIDDEN}@host.example/path"],
        ["psql", f"postgres://u:{HIDDEN}@db/x"],
        ["app", f'{{"password": "{HIDDEN}"}}'],
        ["app", f"http://x/?access_token={HIDDEN}&b=1"],
    ],
)
def test_what_is_named_like_a_secret_is_masked(arguments: list[str]) -> None:
    shown = redact.command_line(arguments)
    assert HIDDEN not in shown
    assert redact.MASK in shown


@pytest.mark.parametrize(
    "secret",
    [
        JWT,
        "sk-abcdefghijklmnop1234",
        "ghp_abcdefghijklmnop1234",
        "github_pat_11ABCDEFG0abcdef",
        "AKIAIOSFODNN7EXAMPLE",
        "xoxb-1234567890-abcdef",
        "glpat-abcdefghij12",
    ],
)
def test_what_looks_like_a_key_is_masked_wherever_it_stands(secret: str) -> None:
    assert secret not in redact.command_line(["app", secret])
    assert secret not in redact.command_line(["app", f"--anything={secret}"])


def test_a_private_key_is_masked_whole() -> None:
    pem = f"-----BEGIN RSA PRIVATE KEY-----\n{HIDDEN}\n{HIDDEN}\n-----END RSA PRIVATE KEY-----"
    assert HIDDEN not in redact.command_line(["app", pem])


@pytest.mark.parametrize("arguments", FREE, ids=" ".join)
def test_a_secret_of_every_shape_and_quoting_is_masked(arguments: list[str]) -> None:
    assert any(V in argument for argument in arguments)
    shown = redact.command_line(arguments)
    assert V not in shown
    assert redact.MASK in shown


@pytest.mark.parametrize("key", KEYS)
def test_a_vendors_key_is_masked_as_an_argument_and_in_a_shells_line(key: str) -> None:
    assert key not in redact.command_line(["app", key])
    assert key not in redact.command_line(["sh", "-c", f"app '{key}'; x"])


@pytest.mark.parametrize("arguments", HARMLESS, ids=" ".join)
def test_what_only_looks_like_a_secret_stays_readable(arguments: list[str]) -> None:
    assert redact.command_line(arguments) == " ".join(arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ["/usr/bin/python3", "-m", "http.server", "8080"],
        ["chromium", "--type=renderer", "--lang=en-US", "--num-raster-threads=2"],
        ["nginx: worker process"],
        ["curl", "https://host.example/path?x=1"],
        ["git", "clone", "git@host.example:a/b"],
    ],
)
def test_what_is_no_secret_stays_readable(arguments: list[str]) -> None:
    assert redact.command_line(arguments) == " ".join(arguments)


def test_control_characters_are_written_as_escapes() -> None:
    assert redact.visible("a\nb\x1b[31m\u202e\x7f") == r"a\nb\x1b[31m\u202e\x7f"
    assert redact.visible("café – ok") == "café – ok"


def test_a_long_line_is_cut_and_says_so() -> None:
    shown = redact.command_line(["x" * 1000])
    assert len(shown) == redact.DEFAULT_LENGTH
    assert shown.endswith("…")
    assert redact.command_line(["x" * 1000], redact.FULL_LENGTH) == "x" * 1000


def test_a_secret_is_masked_before_the_line_is_cut() -> None:
    arguments = ["x" * 500, f"--token={HIDDEN}"]
    assert HIDDEN[:4] not in redact.command_line(arguments)


@pytest.mark.parametrize(
    "arguments", [["x" * COMMAND_LIMIT], ["x"] * COMMAND_LIMIT, ["--password", "x" * COMMAND_LIMIT]]
)
def test_what_is_cut_off_is_not_searched_for_secrets(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def counting(text: str) -> str:
        seen.append(len(text))
        return text

    monkeypatch.setattr(redact, "masked", counting)
    redact.command_line(arguments)
    assert max(seen) <= redact.DEFAULT_LENGTH + redact.MARGIN


PIECES = [
    "a",
    "-",
    "a-",
    "a.",
    "password",
    "password=",
    "://",
    "a://",
    "eyJ",
    "eyJ-",
    "sk-",
    "authorization:a",
    '"token"',
    "bearer",
    "=",
    "x@",
    "'",
]


@pytest.mark.parametrize("piece", [*PIECES, "a a ", "-----BEGIN PRIVATE KEY-----", "-----BEGIN "])
def test_no_command_line_makes_masking_slow(piece: str) -> None:
    """The worst were seen to take 15 s before their repetitions were bounded; now it is tens of ms."""
    begin = time.process_time()
    redact.command_line([piece * (COMMAND_LIMIT // len(piece))], redact.FULL_LENGTH)
    assert time.process_time() - begin < 2


@given(st.lists(st.text(), max_size=6), st.integers(0, 600))
def test_any_arguments_give_one_bounded_printable_line(arguments: list[str], length: int) -> None:
    shown = redact.command_line(arguments, length)
    assert len(shown) <= max(length, 1)
    assert shown.isprintable()
    shown.encode()
