"""A container's reading by cAdvisor's formula, and the rhythm of the readings."""

from itertools import pairwise
from pathlib import Path

from memcollect.lab.cadvisor import QUICK, REAL, Housekeeping, Pace, read


def cgroup(path: Path, current: int, inactive: int, cpu: int = 7) -> Path:
    path.mkdir()
    (path / "memory.stat").write_text(f"anon 4096\nfile 8192\ninactive_file {inactive}\n")
    (path / "memory.current").write_text(f"{current}\n")
    (path / "cpu.stat").write_text(f"usage_usec {cpu}\nuser_usec 0\n")
    return path


def test_a_reading_is_the_charge_without_inactive_file(tmp_path: Path) -> None:
    found = read(cgroup(tmp_path / "a", 40960, 8192), "a")
    assert found is not None
    assert (found.working_set_bytes, found.cpu_microseconds) == (32768, 7)
    assert found.at > 0


def test_it_is_never_negative(tmp_path: Path) -> None:
    found = read(cgroup(tmp_path / "a", 4096, 8192), "a")
    assert found is not None
    assert found.working_set_bytes == 0


def test_a_container_that_has_gone_has_no_reading(tmp_path: Path) -> None:
    assert read(tmp_path / "gone", "a") is None


def moments(pace: Pace, identity: str, seconds: int) -> list[float]:
    housekeeping = Housekeeping(pace)
    ticks = [tick / 4 for tick in range(seconds * 4)]
    return [now for now in ticks if identity in housekeeping.due([identity, "other"], now)]


def test_a_container_is_read_when_it_is_found_and_then_at_the_pace() -> None:
    for pace in (REAL, QUICK):
        found = moments(pace, "a", 300)
        assert found[0] == 0
        gaps = [later - earlier for earlier, later in pairwise(found)]
        assert all(pace.least <= gap <= pace.most + 0.25 for gap in gaps), gaps
        assert len(set(gaps)) > 3


def test_each_container_has_a_rhythm_of_its_own_the_same_in_every_run() -> None:
    assert moments(REAL, "a", 100) == moments(REAL, "a", 100)
    assert moments(REAL, "a", 100) != moments(REAL, "b", 100)


def test_one_that_comes_back_is_read_at_once() -> None:
    housekeeping = Housekeeping(REAL)
    assert housekeeping.due(["a"], 0) == ["a"]
    assert housekeeping.due([], 1) == []
    assert housekeeping.due(["a"], 2) == ["a"]
