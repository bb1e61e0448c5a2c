import pytest

from memcollect.errors import DocumentError
from memcollect.services.table import default_table, parse_table

REDIS = b'[[service]]\nname = "Redis"\nprograms = ["redis-server"]\n'


def test_the_packages_table_names_the_services_of_an_all_in_one_sandbox() -> None:
    names = [entry.name for entry in default_table()]
    assert {"supervisor", "nginx", "Jupyter", "code-server", "Chromium", "VNC", "MCP", "execd"} <= set(names)
    assert len(names) == len(set(names))


def test_a_users_table_has_the_same_shape() -> None:
    (entry,) = parse_table(REDIS, "mine.toml")
    assert (entry.name, entry.programs, entry.words, entry.supervises) == (
        "Redis",
        ["redis-server"],
        [],
        False,
    )


@pytest.mark.parametrize(
    "text",
    [
        b"[[service]",
        b"\xff",
        b'[[service]]\nname = "x"\n',
        b'[[service]]\nname = " "\nprograms = ["a"]\n',
        b'[[service]]\nname = "x"\nprogram = ["a"]\n',
        b'[[service]]\nname = "other"\nprograms = ["a"]\n',
        b"services = []\n",
        REDIS * 501,
    ],
)
def test_what_is_no_table_is_refused_with_the_files_name(text: bytes) -> None:
    with pytest.raises(DocumentError, match=r"mine\.toml"):
        parse_table(text, "mine.toml")
