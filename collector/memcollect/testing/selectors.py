"""Label and field selectors, as lists take them.

The grammar is the one of the Kubernetes documentation on labels: `a=b`, `a==b`, `a!=b`, `a in (b,c)`,
`a notin (b)`, `a`, `!a`, joined by commas. `!=` and `notin` also hold where the label is absent.
"""

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from memcollect.testing import failures

Predicate: TypeAlias = Callable[[Mapping[str, str]], bool]

_KEY = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?"
_VALUE = r"[A-Za-z0-9]?(?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_SET = re.compile(rf"({_KEY})\s+(in|notin)\s*\(([^()]*)\)")
_EQUALITY = re.compile(rf"({_KEY})\s*(==|=|!=)\s*({_VALUE})")
_PRESENCE = re.compile(rf"(!?)\s*({_KEY})")
_COMMA_OUTSIDE_PARENTHESES = re.compile(r",(?![^(]*\))")


def labels(text: str) -> Predicate:
    """Return a test of an object's labels. Raises ApiError (400) for what is not a selector."""
    terms = [_label_term(term.strip()) for term in _split(text)]
    return lambda found: all(term(found) for term in terms)


def _split(text: str) -> list[str]:
    return _COMMA_OUTSIDE_PARENTHESES.split(text) if text.strip() else []


def _label_term(term: str) -> Predicate:
    if match := _SET.fullmatch(term):
        key, operator, listed = match.groups()
        values = frozenset(value.strip() for value in listed.split(","))
        if operator == "in":
            return lambda found: found.get(key) in values
        return lambda found: found.get(key) not in values
    if match := _EQUALITY.fullmatch(term):
        return _equality(*match.groups())
    if match := _PRESENCE.fullmatch(term):
        absent, key = match.groups()
        return lambda found: (key in found) != bool(absent)
    raise failures.bad_request(f"unable to parse requirement: found '{term}', expected: a label selector")


def _equality(key: str, operator: str, value: str) -> Predicate:
    if operator == "!=":
        return lambda found: found.get(key) != value
    return lambda found: found.get(key) == value


def fields(text: str, known: frozenset[str]) -> Predicate:
    """Return a test of an object's selectable fields, of which `known` are the names.

    Raises ApiError (400) for another field, as the API server does.
    """
    terms = [_field_term(term.strip(), known) for term in text.split(",") if term.strip()]
    return lambda found: all(term(found) for term in terms)


def _field_term(term: str, known: frozenset[str]) -> Predicate:
    match = re.fullmatch(r"([^=!]+?)\s*(==|=|!=)\s*(.*)", term)
    if match is None:
        raise failures.bad_request(f"invalid selector: '{term}'; can't understand '{term}'")
    key, operator, value = match.groups()
    if key not in known:
        raise failures.bad_request(f"field label not supported: {key}")
    # An unset field is the empty string here, not an absent one: `spec.nodeName=` finds unscheduled pods.
    if operator == "!=":
        return lambda found: found.get(key, "") != value
    return lambda found: found.get(key, "") == value
