import pytest

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import controllers


def test_the_names_come_in_the_kernels_order() -> None:
    assert controllers.parse(b"cpuset cpu io memory\n", "cgroup.controllers") == [
        "cpuset",
        "cpu",
        "io",
        "memory",
    ]


@pytest.mark.parametrize("data", [b"", b"\n"])
def test_none_is_an_empty_list(data: bytes) -> None:
    assert controllers.parse(data, "cgroup.controllers") == []


@pytest.mark.parametrize("data", [b"cpu\nmemory\n", b"cpu  memory\n", b"cpu"])
def test_another_form_is_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        controllers.parse(data, "cgroup.controllers")
