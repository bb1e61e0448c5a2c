"""What the demo's containers do, in Python alone: each function makes one state of memory and keeps it.

    python -m memcollect.lab.workloads NAME ARGUMENT…

Prints "ready" when the state is made, does another of them for each line on stdin, and ends with stdin.
Amounts are in MiB.
"""

import contextlib
import ctypes
import importlib
import mmap
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

MIB = 1 << 20
MADV_FREE = 8
"""include/uapi/asm-generic/mman-common.h; Python's mmap names it only where libc's headers did."""
HEAVY_MODULES = (
    "asyncio", "concurrent.futures", "ctypes", "decimal", "difflib", "doctest", "email.message", "fractions",
    "html.parser", "http.server", "json", "logging.config", "multiprocessing.pool", "pydoc", "sqlite3",
    "statistics", "tarfile", "unittest.mock", "urllib.request", "xml.dom.minidom", "xmlrpc.client", "zipfile",
)  # fmt: skip

_kept: list[object] = []
"""What must stay alive until the process ends."""


def serve() -> None:
    """Wait for connections on the loopback, as a sandbox's control server does."""
    server = importlib.import_module("http.server")
    httpd = server.ThreadingHTTPServer(("127.0.0.1", 0), server.SimpleHTTPRequestHandler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    _kept.append(httpd)


def shell(directory: str) -> None:
    """Run a few commands in a shell, which stays open with a background job, as after a bash tool call."""
    script = f"for i in 1 2 3; do ls -l {directory} /usr/bin /etc >/dev/null 2>&1; done; sleep 3600 & wait"
    process = subprocess.Popen(["/bin/sh", "-c", script], stdin=subprocess.DEVNULL)  # noqa: S603 -- fixed commands
    _kept.append(process)


def imports() -> None:
    """Import numpy where there is one, otherwise the standard library's big packages, and compute."""
    try:
        numpy = importlib.import_module("numpy")
        _kept.append(numpy.ones(12 * MIB // 8))
    except ImportError:
        for name in HEAVY_MODULES:
            with contextlib.suppress(ImportError):
                _kept.append(importlib.import_module(name))
        _kept.append([float(number) for number in range(300_000)])


def anon(size: str) -> None:
    """Hold private memory, every page written."""
    _kept.append(_filled(mmap.mmap(-1, int(size) * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)))


def grow(mib_per_second: str, most: str) -> None:
    """Take more private memory all the time, in steady small steps, until it is `most`."""
    threading.Thread(target=_grow, args=(int(mib_per_second), int(most)), daemon=True).start()


def _grow(mib_per_second: int, most: int) -> None:
    began, taken = time.monotonic(), 0
    while taken < most * MIB:
        time.sleep(0.2)
        due = min(most * MIB, int((time.monotonic() - began) * mib_per_second * MIB))
        step = (due - taken) // mmap.PAGESIZE * mmap.PAGESIZE
        if step:
            _kept.append(_filled(mmap.mmap(-1, step, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)))
            taken += step


def workers(count: str, size: str) -> None:
    """Fork workers that share the parent's heap copy-on-write."""
    anon(size)
    for _ in range(int(count)):
        if os.fork() == 0:
            signal.pause()
            os._exit(0)


def artifact(path: str, size: str) -> None:
    """Write a result file and look at it twice, as a tool does that renders and then checks its output."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        for _ in range(int(size)):
            file.write(b"x" * MIB)
        file.flush()
        os.fsync(file.fileno())
    read(path, "2")


def read(path: str, times: str) -> None:
    """Read a whole file so many times, without keeping any of it."""
    buffer = bytearray(MIB)
    for _ in range(int(times)):
        with Path(path).open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass


def map_file(path: str) -> None:
    """Map a whole file and look at every page of it."""
    with Path(path).open("rb") as file:
        pages = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    _kept.append((pages, sum(pages[at] for at in range(0, len(pages), mmap.PAGESIZE))))


def tmpfs(path: str, size: str) -> None:
    """Write a file that lives in memory."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(b"x" * (int(size) * MIB))


def lazyfree(size: str) -> None:
    """Fill memory and give it back with MADV_FREE, as allocators do that keep their arenas."""
    length = int(size) * MIB
    pages = _filled(mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
    address = ctypes.addressof(ctypes.c_char.from_buffer(pages))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.madvise(ctypes.c_void_p(address), ctypes.c_size_t(length), MADV_FREE):
        raise OSError(ctypes.get_errno(), "madvise(MADV_FREE)")
    _kept.append(pages)


WORKLOADS: dict[str, Callable[..., None]] = {
    each.__name__: each
    for each in (serve, shell, imports, anon, grow, workers, artifact, read, map_file, tmpfs, lazyfree)
}


def main(words: list[str]) -> None:
    """Do the workload that `words` name, then one for each line of stdin."""
    _do(words)
    for line in sys.stdin:
        _do(line.split())


def _do(words: list[str]) -> None:
    WORKLOADS[words[0]](*words[1:])
    sys.stdout.write("ready\n")
    sys.stdout.flush()


def _filled(pages: mmap.mmap) -> mmap.mmap:
    for at in range(0, len(pages), mmap.PAGESIZE):
        pages[at] = 1
    return pages


if __name__ == "__main__":
    main(sys.argv[1:])
