"""glibc's malloc told to give back what a service of many threads does not use.

By default each thread gets a heap of its own (an arena, eight of them for each CPU), and each keeps what its
largest request left behind: sixteen threads that each answered for a whole node once hold sixteen times what
one does, and do not share it. And once a large block was freed, blocks of its size come from these heaps too,
which shrink only from their ends (malloc/malloc.c, the dynamic mmap threshold). mallopt(3) ends both.

What is free in the midst of the one heap stays, too, until malloc_trim(3) gives it back: 21 MiB were seen
after an answer of 24, beside an agent of 23 MiB at rest.
"""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # malloc.h
_ARENAS = 1
"""Python lets one thread run at a time, so they would hardly ever allocate at once."""
TRIMMED_FROM_BYTES = 4 << 20
"""Of an answer: a sample of a full node is a tenth of it, and leaves too little behind to look for."""
_LARGE_BYTES = 128 << 10
"""From here on a block is a mapping of its own, gone when it is freed; glibc's own first value, held fast."""


def keep_small() -> bool:
    """Hold malloc to one heap; return whether that was possible, which it is with glibc alone.

    To be called before the first thread is started: a heap that a thread has is not taken away again.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False  # musl has no heaps of threads, and no such call
    values = ((_ARENA_MAX, _ARENAS), (_MMAP_THRESHOLD, _LARGE_BYTES), (_TRIM_THRESHOLD, _LARGE_BYTES))
    return {mallopt(option, value) for option, value in values} == {1}


def give_back() -> bool:
    """Give the heap's free pages back to the kernel; return whether that is possible, with glibc alone."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except AttributeError:
        return False
    trim(ctypes.c_size_t(0))
    return True
