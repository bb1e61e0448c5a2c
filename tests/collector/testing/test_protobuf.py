import pytest

from memcollect.testing import protobuf


def field(number: int, payload: bytes) -> bytes:
    return bytes((number << 3 | 2, len(payload))) + payload


def review(*spec: bytes) -> bytes:
    kind = field(1, field(1, b"authorization.k8s.io/v1") + field(2, b"SelfSubjectAccessReview"))
    body = field(1, b"") + field(2, b"".join(spec)) + field(3, b"\x08\x00")
    return protobuf.MAGIC + kind + field(2, body)


def test_the_attributes_of_a_review_are_read_and_empty_ones_left_out() -> None:
    attributes = field(1, b"team") + field(2, b"create") + field(3, b"") + field(5, b"pods")
    body = review(field(1, attributes + field(6, b"portforward")))
    assert protobuf.access_review(body) == {
        "spec": {
            "resourceAttributes": {
                "namespace": "team",
                "verb": "create",
                "resource": "pods",
                "subresource": "portforward",
            }
        }
    }


def test_a_path_that_is_no_resource_is_read() -> None:
    body = review(field(2, field(1, b"/healthz") + field(2, b"get")))
    assert protobuf.access_review(body) == {
        "spec": {"nonResourceAttributes": {"path": "/healthz", "verb": "get"}}
    }


@pytest.mark.parametrize("body", [b"\x12\x7f", b"\x12", b"\xff" * 20, b"\x13\x00", b"\x0d\x00"])
def test_what_is_not_protobuf_is_an_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"fit|end"):
        protobuf.access_review(protobuf.MAGIC + body)
