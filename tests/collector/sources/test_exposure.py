import pytest

from memcollect.sources.exposure import is_exposed, place


@pytest.mark.parametrize(
    ("url", "exposed"),
    [
        ("http://10.0.0.7:8002/api", True),
        ("http://provisioner.deer-flow.svc:8002/{id}", True),
        ("http://localhost.example.org/", True),
        ("http://127.0.0.1.example.org/", True),
        ("https://10.0.0.7/", False),
        ("http://localhost:8002/api", False),
        ("http://127.3.2.1/", False),
        ("http://[::1]:80/", False),
    ],
)
def test_only_this_machine_and_tls_are_safe(url: str, exposed: bool) -> None:  # noqa: FBT001 # a table
    assert is_exposed(url) is exposed


def test_a_place_has_a_port_where_the_url_has() -> None:
    assert [place("http://a:8/x"), place("https://a/x")] == ["a:8", "a"]
