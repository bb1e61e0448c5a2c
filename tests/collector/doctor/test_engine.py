import pytest

from memcollect.doctor.checks import CLUSTER, LOCAL
from memcollect.doctor.engine import Check, diagnose, judged
from memcollect.doctor.result import Finding, Status


def says(status: Status, *, blocks: bool | None = None) -> Finding:
    return Finding(status=status, sentence=f"{status}.", remedy="Mend it.", blocks=blocks)


def check(name: str, status: Status, *needs: str, blocks: bool | None = None) -> Check[None]:
    return Check(name, name.upper(), lambda _facts: says(status, blocks=blocks), needs)


def never(_facts: None) -> Finding:
    raise AssertionError("a check was made without what it needs")


def test_a_check_whose_need_failed_is_not_made_and_names_the_first_cause() -> None:
    checks = [check("a", "fail"), Check("b", "B", never, ("a",)), Check("c", "C", never, ("b",))]
    results = judged(None, checks)
    assert [(each.status, each.because) for each in results] == [
        ("fail", ""),
        ("skipped", "a"),
        ("skipped", "a"),
    ]
    assert results[2].sentence == 'Not checked, because of "A".'


@pytest.mark.parametrize("status", ["ok", "warn", "skipped"])
def test_whatever_did_not_fail_lets_the_next_go_on(status: Status) -> None:
    assert [each.status for each in judged(None, [check("a", status), check("b", "ok", "a")])] == [
        status,
        "ok",
    ]


def test_a_failure_in_part_lets_the_next_go_on_and_a_warning_may_stop_it() -> None:
    part = [check("a", "fail", blocks=False), check("b", "ok", "a")]
    stop = [check("a", "warn", blocks=True), Check("b", "B", never, ("a",))]
    assert [each.status for each in judged(None, part)] == ["fail", "ok"]
    assert [each.status for each in judged(None, stop)] == ["warn", "skipped"]


@pytest.mark.parametrize(
    ("statuses", "worst"),
    [(["ok", "skipped"], "ok"), (["ok", "warn"], "warn"), (["warn", "fail", "ok"], "fail"), ([], "ok")],
)
def test_the_report_is_as_bad_as_its_worst_line(statuses: list[Status], worst: Status) -> None:
    checks = [check(str(number), status) for number, status in enumerate(statuses)]
    report = diagnose(None, checks, tool="t", mode="local", checked_at="now")
    assert report.status == worst
    assert report.summary.ok == statuses.count("ok")
    assert report.summary.fail == statuses.count("fail")


@pytest.mark.parametrize("checks", [CLUSTER, LOCAL], ids=["cluster", "local"])
def test_what_a_check_needs_stands_before_it_and_titles_fit_their_column(
    checks: tuple[Check[object], ...],
) -> None:
    seen: set[str] = set()
    for each in checks:
        assert seen.issuperset(each.needs), each.name
        assert len(each.title) <= 14, each.title
        seen.add(each.name)
    assert len(seen) == len(checks)
