import pytest

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import version
from worlds.agent_trees import FIXTURES


def test_the_release_is_the_third_word() -> None:
    assert version.parse_release((FIXTURES / "systemd-kernel-6.12/proc/version").read_bytes()) == "6.12.101"


@pytest.mark.parametrize("data", [b"", b"Linux\n", b"Darwin Kernel Version 1\n", b"Linux version \n"])
def test_another_form_is_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        version.parse_release(data)
