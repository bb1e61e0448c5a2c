"""The table at the end: every suite, what was skipped and why, what took long."""

from collections.abc import Iterator, Sequence

from suites.results import Result

_LONGEST = 8
_HEAD = ("suite", "result", "tests", "failed", "skipped", "xfailed", "seconds")


def told(results: Sequence[Result]) -> str:
    """Return all that there is to say, in lines."""
    return "".join(f"{line}\n" for line in (*_table(results), *_notes(results), *_slowest(results)))


def _table(results: Sequence[Result]) -> Iterator[str]:
    rows = [_HEAD, *(_row(each) for each in results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        words = (
            text.ljust(width) if at < 2 else text.rjust(width) for at, (text, width) in _numbered(row, widths)
        )
        yield "  ".join(words).rstrip()


def _numbered(row: Sequence[str], widths: Sequence[int]) -> Iterator[tuple[int, tuple[str, int]]]:
    return enumerate(zip(row, widths, strict=True))


def _row(result: Result) -> tuple[str, ...]:
    counts = (str(result.count(each)) for each in ("failed", "skipped", "xfailed"))
    return (result.suite, result.verdict, str(len(result.cases)), *counts, f"{result.seconds:.0f}")


def _notes(results: Sequence[Result]) -> Iterator[str]:
    for result in results:
        if result.fault:
            yield f"{result.suite}: {result.fault}"
        yield from (
            f"{result.suite}: failed: {each.name}" for each in result.cases if each.outcome == "failed"
        )
        for outcome in ("skipped", "xfailed"):
            for reason, count in result.reasons(outcome).most_common():
                yield f"{result.suite}: {count} {outcome}: {reason or 'no reason given'}"


def _slowest(results: Sequence[Result]) -> Iterator[str]:
    cases = [(case, result.suite) for result in results for case in result.cases if case.seconds >= 1]
    longest = sorted(cases, key=lambda each: -each[0].seconds)[:_LONGEST]
    if longest:
        yield "what took longest, a boot being in the first test that needs it:"
    for case, suite in longest:
        yield f"  {case.seconds:6.0f} s  {case.name} ({suite})"
