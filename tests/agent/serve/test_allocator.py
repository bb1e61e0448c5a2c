"""One heap for all threads: what one of them has freed, the next one uses."""

import os
import sys

import pytest

from memcollect_agent.serve import wsgi
from memcollect_agent.serve.allocator import TRIMMED_FROM_BYTES
from worlds.children import run
from worlds.served_agents import ask, service_of, serving

MIB = 1 << 20
THREADS = 12
FREED_MIB = 8
PROGRAM = f"""
import sys, threading
from memcollect_agent.serve.allocator import keep_small
if sys.argv[1] == "kept":
    print(keep_small())
kept, end = [], threading.Event()
def answer(done):
    blocks = [bytes(1000) for _ in range({FREED_MIB} << 10)]
    kept.append(blocks[-1])  # the last one of a heap holds all before it
    del blocks
    done.set()
    end.wait()
for _ in range({THREADS}):
    done = threading.Event()
    threading.Thread(target=answer, args=(done,), daemon=True).start()
    done.wait()
for line in open("/proc/self/status"):
    if line.startswith("RssAnon"):
        print(int(line.split()[1]) * 1024)
"""

on_glibc = pytest.mark.skipif("CS_GNU_LIBC_VERSION" not in os.confstr_names, reason="this libc is not glibc")


def rss_after(mode: str) -> tuple[list[str], int]:
    *told, rss = run([sys.executable, "-c", PROGRAM, mode], check=True).stdout.split()
    return told, int(rss)


@on_glibc
def test_what_one_thread_has_freed_serves_the_next() -> None:
    told, kept = rss_after("kept")
    _, default = rss_after("default")
    assert told == ["True"]
    assert default - kept > (THREADS - 4) * FREED_MIB * MIB
    assert kept < 4 * FREED_MIB * MIB


TRIMMED = f"""
from memcollect_agent.serve.allocator import give_back, keep_small
keep_small()
blocks = [bytes(1000) for _ in range({4 * FREED_MIB} << 10)]
kept = blocks[-1]
del blocks
def anonymous():
    for line in open("/proc/self/status"):
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
before = anonymous()
print(give_back(), before - anonymous())
"""


@on_glibc
def test_what_a_large_answer_left_behind_goes_back_to_the_kernel() -> None:
    told, given_back = run([sys.executable, "-c", TRIMMED], check=True).stdout.split()
    assert told == "True"
    assert int(given_back) > 3 * FREED_MIB * MIB


def test_the_heap_is_looked_through_after_large_answers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, trimmed = [], []
    for pods in (30, 10_000):
        monkeypatch.setattr(wsgi, "give_back", lambda of=pods: trimmed.append(of))
        with serving(service_of(pods)) as port:
            sizes.append(len(ask(port, body=b"{}", Memcollect_Schema="1").body))
    assert sizes[0] < TRIMMED_FROM_BYTES <= sizes[1]
    assert trimmed == [10_000]
