"""Processes of this machine that hold private memory in mappings of every kind, in known amounts."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE

from worlds.children import Child

MIB = 1 << 20
LARGE_BYTES, HEAP_BYTES, ARENAS, ARENA_BYTES, THREADS = 64 * MIB, 40 * MIB, 8, 4 * MIB, 200

PROGRAM = f"""
import ctypes, mmap, threading, time
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
libc.memset.restype = ctypes.c_void_p
large = mmap.mmap(-1, {LARGE_BYTES}, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
large.write(b"x" * {LARGE_BYTES})

def fill(size):  # in pieces that malloc does not map one by one
    for _ in range(size // 65536):
        libc.memset(libc.malloc(65520), 1, 65520)

fill({HEAP_BYTES})
ready = threading.Barrier({THREADS} + 1)
threading.stack_size(1 << 20)

def run(number):
    if number < {ARENAS}:
        fill({ARENA_BYTES})
    ready.wait()
    time.sleep(600)

for number in range({THREADS}):
    threading.Thread(target=run, args=(number,), daemon=True).start()
ready.wait()
print("ready", flush=True)
time.sleep(600)
"""

SHARING = f"""
import mmap, os, time
large = mmap.mmap(-1, {LARGE_BYTES}, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
large.write(b"x" * {LARGE_BYTES})
parent = os.getpid()
if os.fork() == 0:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)
print("ready", flush=True)
time.sleep(600)
"""

NODE = f"""
const kept = [];
for (let i = 0; i < 300000; i++) kept.push({{i, text: "text " + i}});
const large = Buffer.alloc({LARGE_BYTES}, 1);
console.log("ready");
setTimeout(() => kept.length + large.length, 600000);
"""


@contextmanager
def running(*command: str) -> Iterator[Child]:
    """Give a program that runs and has written its first line."""
    with Child(command, stdout=PIPE) as child:
        assert child.line() == "ready"
        yield child


def python(program: str) -> tuple[str, ...]:
    """Return the command that runs a Python program."""
    return (sys.executable, "-c", program)
