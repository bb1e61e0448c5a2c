from pathlib import Path

import pytest

from memcollect_agent.errors import GoneError
from memcollect_agent.measure.cgroup import CgroupReading
from memcollect_agent.read.cgroupfs import CgroupFs
from memcollect_agent.wire import Cgroup
from worlds.agent_trees import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def measured(machine: Machine, *, numa: bool = False) -> Cgroup:
    with CgroupFs(str(machine.top)).open("/a") as directory:
        reading = CgroupReading(directory)
        reading.begin()
        reading.details(numa=numa)
        reading.again()
        return reading.result()


PRESSURE = """\
some avg10=1.50 avg60=0.00 avg300=0.00 total=7
full avg10=0.00 avg60=2.50 avg300=0.00 total=3
"""
FILES = {
    "memory.peak": "6000\n",
    "memory.min": "1\n",
    "memory.low": "2\n",
    "memory.high": "3\n",
    "memory.max": "4\n",
    "memory.oom.group": "1\n",
    "memory.events.local": "oom 5\n",
    "memory.swap.current": "7\n",
    "memory.swap.peak": "8\n",
    "memory.swap.high": "9\n",
    "memory.swap.max": "max\n",
    "memory.swap.events": "fail 10\n",
    "memory.zswap.current": "11\n",
    "memory.zswap.max": "max\n",
    "memory.zswap.writeback": "1\n",
    "hugetlb.2MB.current": "4194304\n",
    "hugetlb.2MB.rsvd.current": "8388608\n",
    "hugetlb.2MB.max": "1\n",
    "memory.pressure": PRESSURE,
    "cgroup.controllers": "cpu memory\n",
    "hugetlb.1GB.current": "0\n",
    "memory.numa_stat": "anon N0=5000\n",
    "cgroup.stat": "nr_descendants 0\nnr_dying_descendants 3\n",
}


def with_every_file(machine: Machine) -> Path:
    directory = machine.cgroup("/a", current=5000)
    for name, text in FILES.items():
        (directory / name).write_text(text)
    return directory


def test_every_file_lands_in_its_field(machine: Machine) -> None:
    directory = with_every_file(machine)
    cgroup = measured(machine, numa=True)
    assert (cgroup.path, cgroup.inode) == ("/a", directory.stat().st_ino)
    assert (cgroup.current_bytes, cgroup.current_again_bytes, cgroup.peak_bytes) == (5000, 5000, 6000)
    assert (cgroup.min_bytes, cgroup.low_bytes, cgroup.high_bytes, cgroup.max_bytes) == (1, 2, 3, 4)
    assert (cgroup.oom_group, cgroup.events_local) == (True, {"oom": 5})
    swap = cgroup.swap
    assert (swap.current_bytes, swap.peak_bytes, swap.high_bytes, swap.max_bytes) == (7, 8, 9, "max")
    assert swap.events == {"fail": 10}
    assert (cgroup.zswap.current_bytes, cgroup.zswap.max_bytes, cgroup.zswap.writeback) == (11, "max", 1)
    assert cgroup.hugetlb == {"2MB": 4194304, "1GB": 0}
    assert cgroup.numa_stat == {"anon": {"N0": 5000}}
    assert cgroup.descendants == {"nr_descendants": 0, "nr_dying_descendants": 3}
    assert cgroup.pressure is not None
    assert (cgroup.pressure["some"].avg10, cgroup.pressure["full"].avg60) == (1.5, 2.5)
    assert cgroup.controllers == ["cpu", "memory"]
    assert cgroup.absent == {}


def test_the_short_reading_says_what_the_long_one_says_of_the_same_files(machine: Machine) -> None:
    with_every_file(machine)
    with CgroupFs(str(machine.top)).open("/a") as directory:
        reading = CgroupReading(directory)
        reading.limits()
        short, long = reading.result(), measured(machine)
    for name in ("path", "inode", "current_bytes", "peak_bytes", "high_bytes", "max_bytes", "oom_group"):
        assert getattr(short, name) == getattr(long, name), name
    for name in ("events", "events_local", "descendants"):
        assert getattr(short, name) == getattr(long, name), name
    assert short.max_bytes == 4


def test_the_short_reading_of_a_cgroup_without_the_controller_says_so(machine: Machine) -> None:
    directory = machine.cgroup("/a")
    for file in directory.glob("memory.*"):
        file.unlink()
    (directory / "cgroup.controllers").write_text("cpu\n")
    with CgroupFs(str(machine.top)).open("/a") as opened:
        reading = CgroupReading(opened)
        reading.limits()
    assert reading.result().absent["memory.max"] == "the memory controller is not enabled for this cgroup"


def test_the_readings_are_in_cadvisors_order(machine: Machine) -> None:
    machine.cgroup("/a")
    cgroup = measured(machine)
    times = [cgroup.read_at, cgroup.current_read_at, cgroup.current_again_read_at]
    assert None not in times
    assert times == sorted(time for time in times if time is not None)


def test_an_old_kernels_missing_files_are_absent_and_not_zero(machine: Machine) -> None:
    machine.cgroup("/a")
    cgroup = measured(machine)
    assert (cgroup.peak_bytes, cgroup.zswap.current_bytes, cgroup.hugetlb) == (None, None, None)
    assert cgroup.absent["memory.peak"] == "not in this kernel"
    assert "memory.zswap.current" in cgroup.absent


def test_a_cgroup_without_the_controller_says_so(machine: Machine) -> None:
    directory = machine.cgroup("/a")
    for name in ("memory.stat", "memory.current", "memory.max", "memory.events"):
        (directory / name).unlink()
    (directory / "cgroup.controllers").write_text("cpu pids\n")
    cgroup = measured(machine)
    assert (cgroup.stat, cgroup.current_bytes, cgroup.current_read_at) == (None, None, None)
    assert cgroup.absent["memory.current"] == "the memory controller is not enabled for this cgroup"


def test_garbage_in_one_file_is_told_and_the_rest_kept(machine: Machine) -> None:
    (machine.cgroup("/a") / "memory.stat").write_text("anon 1\nanon 2\n")
    cgroup = measured(machine)
    assert cgroup.stat is None
    assert "memory.stat, line 2: anon comes a second time" in cgroup.absent["memory.stat"]
    assert cgroup.current_bytes is not None


@pytest.mark.parametrize(("name", "text"), [("memory.stat", "anon x\n"), ("memory.current", "x\n")])
def test_a_charge_that_the_kernel_did_not_give_is_told_with_its_file(
    machine: Machine, name: str, text: str
) -> None:
    (machine.cgroup("/a") / name).write_text(text)
    with CgroupFs(str(machine.top)).open("/a") as directory:
        reading = CgroupReading(directory)
        reading.begin()
    told = reading.unread_charge()
    assert told is not None
    assert told[0] == "unreadable"
    assert name in told[1]


def test_a_charge_that_was_read_whole_is_not_told_as_unread(machine: Machine) -> None:
    machine.cgroup("/a")
    with CgroupFs(str(machine.top)).open("/a") as directory:
        reading = CgroupReading(directory)
        reading.begin()
    assert reading.unread_charge() is None


def test_a_removed_cgroup_has_no_second_reading(machine: Machine) -> None:
    directory = machine.cgroup("/a", current=9)
    with CgroupFs(str(machine.top)).open("/a") as opened:
        reading = CgroupReading(opened)
        reading.begin()
        (directory / "memory.current").unlink()
        reading.again()
        cgroup = reading.result()
    assert (cgroup.current_bytes, cgroup.current_again_bytes, cgroup.current_again_read_at) == (9, None, None)
    assert cgroup.absent["memory.current (again)"].startswith("gone")


def test_a_cgroup_removed_before_it_was_read_is_gone(machine: Machine) -> None:
    directory = machine.cgroup("/a")
    with CgroupFs(str(machine.top)).open("/a") as opened:
        for file in directory.iterdir():
            file.unlink()
        directory.rmdir()
        with pytest.raises(GoneError):
            CgroupReading(opened).begin()
