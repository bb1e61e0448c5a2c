from memcollect.documents.run import Event
from memcollect.profile.sandboxes.cleanup import not_deleted


def events(*told: tuple[str, str]) -> list[Event]:
    return [Event(at=0.0, kind=kind, name=name) for kind, name in told]


def test_what_was_asked_for_and_not_deleted_since_is_left() -> None:
    told = events(
        ("creating", "a"), ("creating", "b"), ("deleted", "a"), ("not-deleted", "b"), ("ready", "c")
    )
    assert not_deleted(told) == ["b"]


def test_a_deletion_of_what_was_never_asked_for_says_nothing() -> None:
    assert not_deleted(events(("deleted", "x"))) == []
