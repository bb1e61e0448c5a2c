import pytest

from memcollect.testing import selectors
from memcollect.testing.failures import ApiError

WEB = {"app": "web", "tier": "front", "example.com/team": "a"}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("", True),
        ("app=web", True),
        ("app==web", True),
        ("app=db", False),
        ("app!=db", True),
        ("missing!=x", True),
        ("app in (web, db)", True),
        ("app in (db)", False),
        ("app notin (db,x)", True),
        ("missing notin (db)", True),
        ("missing in (db)", False),
        ("app", True),
        ("missing", False),
        ("!missing", True),
        ("! app", False),
        ("app in (web,db),tier=front,!missing", True),
        ("app in (web,db),tier=back", False),
        ("example.com/team=a", True),
        ("app=", False),
    ],
)
def test_label_selectors_of_every_form_decide(selector: str, *, expected: bool) -> None:
    assert selectors.labels(selector)(WEB) is expected


@pytest.mark.parametrize("selector", ["app=web=x", "a b", "app in web", "=x", "app in (a))"])
def test_what_is_not_a_label_selector_is_a_bad_request(selector: str) -> None:
    with pytest.raises(ApiError) as caught:
        selectors.labels(selector)
    assert caught.value.code == 400


def test_field_selectors_join_by_and() -> None:
    known = frozenset({"spec.nodeName", "status.phase"})
    test = selectors.fields("spec.nodeName=n1,status.phase!=Failed", known)
    assert test({"spec.nodeName": "n1", "status.phase": "Running"})
    assert not test({"spec.nodeName": "n1", "status.phase": "Failed"})
    assert not test({"spec.nodeName": "n2", "status.phase": "Running"})


def test_an_empty_field_value_finds_what_has_none() -> None:
    assert selectors.fields("spec.nodeName=", frozenset({"spec.nodeName"}))({})


def test_a_field_that_cannot_be_selected_is_a_bad_request() -> None:
    with pytest.raises(ApiError, match=r"field label not supported: spec.hostname"):
        selectors.fields("spec.hostname=x", frozenset({"spec.nodeName"}))
