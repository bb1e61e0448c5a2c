"""The whole guide on a real kernel, twice: each backend in a boot of its own, both at the same time.

What is run is what a user would: `memcollect demo --empty --run 'profile guide --source lab-disk -o disk'`;
without the guide's last block, evidence, it is the same plan in a file of that name. The second boot goes
on with two small plans: one of the guide with a byte of its work changed, and one whose command leaves a
process behind.
"""

import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from memcollect.lab.sandboxes import BACKENDS, manifest
from memcollect.profile.plan.shipped import text_of
from worlds import children

SECONDS = 3000.0
"""It takes about 13 minutes; this ends what hangs."""
NOT_ALL_TRIED = 3
"""The exit code of a run with a check that was not tried: which one that may be, the tests say."""
GUIDE = text_of("guide")[0].decode()
MEASURING = "guide.toml"
SIZE, ONE_MORE = "head -c 67108864", "head -c 67108865"
SINGLE = ("empty", "after-bash", "after-python", "after-node", "after-artifact")
CYCLES, STEPS, REPEATS = 5, (10, 50, 100), 3
COMMANDS = {
    "disk": ["profile {plan} --source lab-disk -o disk"],
    "memory": [
        "profile {plan} --source lab-memory -o memory",
        "profile changed.toml --source lab-memory -o changed",
        "profile left.toml -o left",
    ],
}
LEFT = """
name = "left"
repeats = 1
[settle]
over = "3s"
at_most = "60s"
[source]
kind = "template"
file = "pod.json"
[[phases]]
name = "empty"
do = "nothing"
[[phases]]
name = "after-bash"
do = "exec"
command = ["sh", "-c", "sleep 600 > /dev/null 2>&1 &"]
"""


def run_all(directory: Path, kernel: str, *, evidence: bool) -> None:
    """Leave a bundle of each plan in `directory`, and what each demo said in NAME.log."""
    write_plans(directory)
    plan = "guide" if evidence else MEASURING
    with ExitStack() as stack:
        demos = {
            name: stack.enter_context(
                _demo(directory, kernel, name, [command.format(plan=plan) for command in commands])
            )
            for name, commands in COMMANDS.items()
        }
        codes = {name: demo.wait(SECONDS) for name, demo in demos.items()}
    fine = {0, NOT_ALL_TRIED} if evidence else {0}
    said = {name: _end(directory / f"{name}.log") for name, code in codes.items() if code not in fine}
    assert not said, said


def _end(log: Path) -> str:
    return log.read_text()[-3000:]


def write_plans(directory: Path) -> None:
    """Write the two small plans, and the guide without its evidence."""
    measuring, _, last = GUIDE.rpartition("[[phases]]")
    assert 'do = "evidence"' in last
    (directory / MEASURING).write_text(measuring)
    assert GUIDE.count(SIZE) == 1
    first_five = GUIDE.partition('name = "warm-reuse"')[0].rpartition("[[phases]]")[0]
    changed = first_five.replace(SIZE, ONE_MORE).replace(f"repeats = {REPEATS}", "repeats = 1")
    (directory / "changed.toml").write_text(changed)
    (directory / "left.toml").write_text(LEFT)
    pod = {"apiVersion": "v1", "kind": "Pod", **manifest("deer-flow", "x", BACKENDS["disk"])}
    (directory / "pod.json").write_bytes(msgspec.json.encode(pod))


def _demo(directory: Path, kernel: str, name: str, commands: Sequence[str]) -> children.Child:
    program = [sys.executable, "-m", "memcollect", "demo", "--kernel", kernel, "--empty", "--pace", "swift"]
    runs = [word for command in commands for word in ("--run", command)]
    with (directory / f"{name}.log").open("wb") as log:
        return children.Child(
            [*program, *runs], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=directory
        )
