"""What runs all tests, with suites of a few lines: nothing is lost, nothing hangs, nothing is left."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest

from memcollect.lab import matrix
from suites import __main__ as program
from suites import plan, report
from suites.plan import Suite
from suites.results import Case, Result, cases_of, judged
from suites.running import Runner
from worlds.children import Child
from worlds.waiting import wait_until

TESTS = Path(__file__).parent


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "pytest.ini").write_text("[pytest]\n")
    return tmp_path / "root"


def suite(root: Path, name: str, text: str, limit_seconds: float = 60.0) -> Suite:
    file = root / f"test_{name}.py"
    file.write_text(textwrap.dedent(text))
    return Suite(name=name, arguments=("-p", "no:cacheprovider", file.name), limit_seconds=limit_seconds)


def run(root: Path, *lanes: Sequence[Suite]) -> tuple[list[Result], list[str]]:
    said: list[str] = []
    logs = root / "logs"
    logs.mkdir()
    return Runner(logs, said.append, root).run(lanes), said


PASSES = "def test_good(): pass\n"
FAILS = "def test_bad(): assert 1 == 2, 'no'\n"
SKIPS = "import pytest\ndef test_absent(): pytest.skip('no such kernel')\n"
HANGS = "import time, subprocess\ndef test_slow(): subprocess.run(['sleep', '300'])\n"


def test_a_suite_that_fails_keeps_no_other_from_running(root: Path) -> None:
    lane = [suite(root, "first", FAILS), suite(root, "second", PASSES)]
    results, said = run(root, lane, [suite(root, "third", PASSES)])
    assert [(each.suite, each.verdict) for each in results] == [
        ("first", "FAILED"),
        ("second", "passed"),
        ("third", "passed"),
    ]
    assert sorted(line.split(" after ")[0] for line in said if " after " in line) == [
        *("first: FAILED", "second: passed", "third: passed")
    ]


def test_a_suite_of_which_all_was_skipped_has_not_run_and_its_reasons_are_told(root: Path) -> None:
    results, _ = run(root, [suite(root, "kernel", SKIPS)])
    assert [each.verdict for each in results] == ["NOT RUN"]
    told = report.told(results)
    assert "kernel: every test was skipped\n" in told
    assert "kernel: 1 skipped: no such kernel\n" in told


def test_a_suite_in_which_some_is_skipped_has_run(root: Path) -> None:
    results, _ = run(root, [suite(root, "mixed", SKIPS + PASSES)])
    assert [(each.verdict, each.count("skipped")) for each in results] == [("passed", 1)]
    assert "mixed: 1 skipped: no such kernel\n" in report.told(results)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "no test was run (pytest ended with 5)"),
        (
            "import os\ndef test_a(): pass\ndef test_b(): os._exit(3)\n",
            "no test was run (pytest ended with 3)",
        ),
    ],
)
def test_a_suite_without_results_has_not_run(root: Path, text: str, fault: str) -> None:
    results, _ = run(root, [suite(root, "empty", text)])
    assert [(each.verdict, each.fault) for each in results] == [("NOT RUN", fault)]


def test_a_suite_that_hangs_is_ended_with_all_it_started(root: Path) -> None:
    hanging = suite(root, "hangs", HANGS.replace("300", "299.71"), limit_seconds=12.0)
    results, _ = run(root, [hanging, suite(root, "next", PASSES)])
    assert [(each.verdict, each.fault) for each in results] == [
        ("FAILED", "ended after 12 s"),
        ("passed", ""),
    ]
    assert not running("sleep\x00299.71")


def running(words: str) -> bool:
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if words in file.read_text():
                return True
        except OSError:
            continue
    return False


def test_a_kernel_that_cannot_be_had_fails_its_suite_and_the_next_one_runs(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMCOLLECT_LAB_DIR", str(root / "lab"))
    absent = Suite(name="absent", arguments=(), kernel="1.0")
    results, _ = run(root, [absent, suite(root, "next", PASSES)])
    assert [(each.verdict, each.fault) for each in results] == [
        (
            "NOT RUN",
            "Linux 1.0 could not be had: no suite of Debian is known to hold kernel 1.0; known: "
            + ", ".join(matrix.versions()),
        ),
        ("passed", ""),
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_every_suite(root: Path, number: signal.Signals) -> None:
    text = HANGS.replace("300", f"298.{number}")
    hanging = suite(root, "hangs", text)
    script = (
        "import sys; from pathlib import Path; from suites import __main__, plan;"
        "plan.everything = lambda _: [[plan.Suite(name='hangs', arguments=tuple(sys.argv[2:]))]];"
        "sys.exit(__main__.main(['all'], Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", script, str(root), *hanging.arguments]
    with Child(command, cwd=TESTS, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        wait_until(lambda: running(f"sleep\x00298.{number}"))
        os.kill(child.pid, number)
        assert child.wait() != 0
    assert not running(f"sleep\x00298.{number}")


def test_the_table_has_a_row_of_each_suite_and_what_took_longest() -> None:
    cases = [
        Case(name="a::one", seconds=2.0, outcome="passed"),
        Case(name="a::two", seconds=71.4, outcome="failed", reason="assert 1 == 2"),
        Case(name="a::three", seconds=0.0, outcome="xfailed", reason="issue 7"),
    ]
    told = report.told(
        [judged("truth on Linux 6.1", 74.0, 1, cases), judged("unit tests", 3.0, 0, cases[:1])]
    )
    assert told == textwrap.dedent("""\
        suite               result  tests  failed  skipped  xfailed  seconds
        truth on Linux 6.1  FAILED      3       1        0        1       74
        unit tests          passed      1       0        0        0        3
        truth on Linux 6.1: failed: a::two
        truth on Linux 6.1: 1 xfailed: issue 7
        what took longest, a boot being in the first test that needs it:
              71 s  a::two (truth on Linux 6.1)
               2 s  a::one (truth on Linux 6.1)
               2 s  a::one (unit tests)
        """)


def test_pytest_that_fails_without_a_failed_test_is_no_pass() -> None:
    result = judged("a", 1.0, 2, [Case(name="one", seconds=0.1, outcome="passed")])
    assert (result.verdict, result.fault) == ("FAILED", "pytest ended with 2")


def test_a_report_that_was_cut_short_holds_no_tests(tmp_path: Path) -> None:
    (tmp_path / "cut.xml").write_text("<testsuites><testsuite><testcase name='a'")
    assert cases_of(tmp_path / "cut.xml") == []
    assert cases_of(tmp_path / "absent.xml") == []


def test_every_suite_of_the_matrix_is_in_the_plan() -> None:
    suites = [each for lane in plan.everything() for each in lane]
    kernels = {each.name: each.kernel for each in suites}
    for version in matrix.versions(matrix.Suite.TRUTH):
        assert kernels[f"truth on Linux {version}"] == version
    assert {"unit tests", "odd inputs", "the browser", "the lab", "the guide on Linux 7.2"} <= kernels.keys()
    assert "the lowest versions" in kernels
    assert len({each.name for each in suites}) == len(suites)


def test_a_file_that_one_suite_leaves_out_is_another_ones() -> None:
    words = [word for lane in plan.everything() for each in lane for word in each.arguments]
    left_out = [word.removeprefix("--ignore=") for word in words if word.startswith("--ignore=")]
    assert left_out
    assert set(left_out) <= set(words)


@pytest.mark.parametrize("arguments", [[], ["some"]])
def test_what_it_cannot_run_it_says(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(arguments) == 2
    assert capsys.readouterr().err.startswith("usage: python -m suites")
