"""`memcollect doctor --local` on a real kernel, as root of it."""

import sys
import textwrap

import msgspec
import pytest

from memcollect.doctor.result import Report
from memcollect.lab import uml
from memcollect.lab.kernels import Kernel

pytestmark = pytest.mark.lab

GUEST = """
    import os, subprocess, sys
    os.mkdir("/sys/fs/cgroup/system.slice")
    with open("/sys/fs/cgroup/cgroup.subtree_control", "w") as control:
        control.write("+memory")
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, user=65534) as other:
        doctor = [sys.executable, "-m", "memcollect", "doctor", "--local", "--format", "json"]
        code = subprocess.run(doctor).returncode
        other.communicate()
    sys.exit(code)
"""


def test_a_real_kernel_is_looked_at(kernel: Kernel) -> None:
    said: list[str] = []
    machine = uml.Machine(
        kernel=kernel,
        command=[sys.executable, "-c", textwrap.dedent(GUEST)],
        swap_bytes=64 << 20,
        time_limit_seconds=600.0,
    )
    outcome = uml.boot(machine, said.append)
    assert outcome.exit_code == 0, "\n".join([*said, *outcome.errors])
    report = msgspec.json.decode("\n".join(said), type=Report)
    lines = {result.check: result for result in report.results}
    assert lines["cgroup-version"].status == "ok"
    assert lines["processes"].sentence.startswith("Other users' processes can be read")
    assert lines["swap"].sentence.startswith("There is swap, 0 of 63 MiB in use")
    # memory.stat has `kernel` since 5.18.
    assert lines["memory-stat"].status == ("warn" if kernel.release.startswith("5.10.") else "ok")
