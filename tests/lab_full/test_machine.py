"""The guest is what the full lab says of it."""

import re

import pytest

from lab_full.chosen import KERNEL
from memcollect.lab.full.machine import Running
from memcollect.lab.matrix import MATRIX, Boot, Feature

pytestmark = pytest.mark.lab_full


def test_the_kernel_is_the_one_asked_for_and_was_built_with_what_the_table_says(machine: Running) -> None:
    (row,) = [each for each in MATRIX if (each.version, each.boot) == (KERNEL, Boot.MACHINE)]
    (release, *configuration) = machine.remote.check(["sh", "-c", "uname -r; cat /boot/config-$(uname -r)"])
    built_in = set(re.findall(r"^CONFIG_(\w+)=y$", "\n".join(configuration), re.MULTILINE))
    assert release.startswith(f"{KERNEL}.")
    assert row.features == {feature for feature in Feature if feature.value in built_in}


def test_it_has_several_processors_and_what_can_be_set_on_such_a_kernel(machine: Running) -> None:
    there = ["/sys/kernel/mm/lru_gen/enabled", "/sys/kernel/mm/transparent_hugepage/enabled"]
    there += ["/sys/kernel/mm/ksm/run", "/proc/pressure/memory", "/sys/module/zswap/parameters/enabled"]
    said = machine.remote.check(["sh", "-c", f"nproc; ls {' '.join(there)}; stat -fc %T /sys/fs/cgroup"])
    assert int(said[0]) > 1
    assert sorted(said[1:-1]) == sorted(there)
    assert said[-1] == "cgroup2fs"
