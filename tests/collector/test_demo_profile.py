"""`scripts/demo-profile` with a memcollect that ends as a test says, in place of ten minutes in a kernel."""

import subprocess
from pathlib import Path

import pytest

from worlds import children

SCRIPT = Path(__file__).parents[2] / "scripts" / "demo-profile"
STAND_IN = """#!/bin/sh
case "$*" in
compare*) echo "compared: $*"; exit {compare} ;;
*lab-disk*) code={disk} ;;
*) code={memory} ;;
esac
i=0; while [ $i -lt 9 ]; do i=$((i + 1)); echo "memcollect: line $i" >&2; done
exit $code
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "python").chmod(0o755)
    return tmp_path / "bin"


def ended(
    programs: Path, disk: int = 0, memory: int = 0, compare: int = 0
) -> "subprocess.CompletedProcess[str]":
    (programs / "memcollect").write_text(STAND_IN.format(disk=disk, memory=memory, compare=compare))
    (programs / "memcollect").chmod(0o755)
    command = ["sh", str(SCRIPT), str(programs), str(programs.parent / "guide")]
    return children.run(command)


def test_both_backends_are_run_and_compared(programs: Path) -> None:
    done = ended(programs)
    assert (done.returncode, done.stdout.count("compared: ")) == (0, 3)
    assert "disk: line 9" in done.stderr
    assert "memory: line 9" in done.stderr
    assert list((programs.parent / "guide").iterdir()) == []


@pytest.mark.parametrize(("disk", "memory", "name"), [(1, 0, "disk"), (0, 130, "memory")])
def test_a_backend_that_fails_is_named_with_its_last_lines_and_nothing_is_compared(
    programs: Path, disk: int, memory: int, name: str
) -> None:
    done = ended(programs, disk, memory)
    assert done.returncode == (disk or memory)
    assert "compared" not in done.stdout
    assert f"{name} failed with exit code {disk or memory}" in done.stderr
    assert done.stderr.endswith("".join(f"    memcollect: line {number}\n" for number in range(5, 10)))


def test_where_both_fail_both_are_named(programs: Path) -> None:
    done = ended(programs, 1, 2)
    assert done.returncode == 2
    assert "disk failed with exit code 1" in done.stderr
    assert "memory failed with exit code 2" in done.stderr


@pytest.mark.parametrize("codes", [{"disk": 3}, {"memory": 3}, {"compare": 3}])
def test_what_is_missing_is_compared_all_the_same_and_stays_the_exit_code(
    programs: Path, codes: dict[str, int]
) -> None:
    done = ended(programs, **codes)
    assert (done.returncode, done.stdout.count("compared: ")) == (3, 3)


def test_a_comparison_that_fails_ends_it(programs: Path) -> None:
    assert ended(programs, compare=1).returncode == 1
