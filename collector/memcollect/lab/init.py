"""Process 1 of the guest: mounts, runs one command, writes its exit code, powers off.

Started by the kernel with the host's root as its own, so nothing but this interpreter is needed inside.
"""

import os
import socket
import subprocess
import sys
import termios
import traceback
import tty
from pathlib import Path

import msgspec

from memcollect.lab import syscalls
from memcollect.lab.guest_config import OUTPUT_DEVICES, GuestConfig

FAILED_SETUP = 125
"""The exit code when the command could not be started, as of `env` and `timeout`."""


def main(config_path: str) -> None:
    """Do all of it; never returns."""
    code = FAILED_SETUP
    try:
        config = msgspec.json.decode(Path(config_path).read_bytes(), type=GuestConfig)
        prepare(config)
        code = run(config)
        Path(config.exit_code_file).write_text(str(code))
    except BaseException:  # noqa: BLE001 -- process 1 must not end, or the kernel panics and says nothing
        sys.stdout.write(traceback.format_exc())
        sys.stdout.flush()
    syscalls.power_off()


def prepare(config: GuestConfig) -> None:
    """Mount, load, swap on; every level below the root may use the memory controller afterwards."""
    for item in config.mounts:
        syscalls.mount(item.source, item.target, item.kind, item.options, item.flags)
    for module in config.modules:
        syscalls.load_module(module)
    if config.swap_device:
        syscalls.swap_on(config.swap_device)
    syscalls.loopback_up()
    socket.sethostname(config.hostname)
    Path("/sys/fs/cgroup/cgroup.subtree_control").write_text("+memory")


def run(config: GuestConfig) -> int:
    """Run the command on the serial lines and return its exit code; 128 + n for signal n."""
    with Path(OUTPUT_DEVICES[0]).open("wb") as out, Path(OUTPUT_DEVICES[1]).open("wb") as err:
        for line in (out, err):
            tty.setraw(line.fileno(), termios.TCSANOW)
        command = subprocess.Popen(  # noqa: S603 -- what the host asked for
            config.command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=config.environment, cwd="/"
        )
        code = _reap_until(command)
        for line in (out, err):
            termios.tcdrain(line.fileno())
    return code


def _reap_until(command: "subprocess.Popen[bytes]") -> int:
    """Wait for the command and, as process 1 must, for every orphan that ends meanwhile."""
    while True:
        pid, status = os.wait()
        if pid == command.pid:
            code = os.waitstatus_to_exitcode(status)
            command.returncode = code
            return code if code >= 0 else 128 - code


if __name__ == "__main__":
    main(sys.argv[1])
