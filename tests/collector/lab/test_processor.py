"""Which processor can run which kernel, and that the library that is preloaded where it cannot pads."""

import os
import platform
import re
import shutil
import sys
from pathlib import Path

import pytest

from memcollect.lab import processor
from memcollect.lab.errors import MachineError
from memcollect.lab.matrix import FIXED_BYTES
from worlds import children

ROOT = Path(__file__).parents[3]
SHIPPED = Path(processor.__file__).with_name("register_padding.x86_64.so")
SOURCE = SHIPPED.with_name("register_padding.c")

AVX, AVX_512_AND_KEYS, AMX = 832, 2696, 11008


@pytest.mark.parametrize("host", [None, AVX, AVX_512_AND_KEYS])
def test_a_kernel_runs_as_it_is_where_the_processor_has_no_more_than_it_sets(host: int | None) -> None:
    assert not processor.needs_padding(host, FIXED_BYTES)


@pytest.mark.parametrize("host", [AVX_512_AND_KEYS + 8, AMX])
def test_a_larger_area_is_padded_but_for_a_kernel_that_asks_the_host(host: int) -> None:
    assert processor.needs_padding(host, FIXED_BYTES)
    assert not processor.needs_padding(host, None)


def test_the_host_says_how_large_its_area_is() -> None:
    size = processor.register_bytes()
    assert size is None or (512 <= size <= 1 << 16 and size % 8 == 0)


def test_a_foreign_or_a_32_bit_machine_is_refused_in_one_sentence() -> None:
    processor.require_x86_64("x86_64", wide=True)
    with pytest.raises(
        MachineError, match=r"run on x86-64 alone, and this machine is aarch64\. All but the demo"
    ):
        processor.require_x86_64("aarch64", wide=True)
    with pytest.raises(MachineError, match=r"run on x86-64 alone, and this machine is i686\."):
        processor.require_x86_64("i686", wide=False)
    with pytest.raises(
        MachineError, match=r"this Python is a 32-bit one\. Use the Python of a 64-bit system"
    ):
        processor.require_x86_64("x86_64", wide=False)


@pytest.mark.parametrize(
    ("scope", "sentence"),
    [
        (2, "lets nobody but root trace a process (kernel.yama.ptrace_scope = 2)"),
        (3, "lets nobody trace a process (kernel.yama.ptrace_scope = 3)"),
        (None, "ptrace is not allowed here"),
    ],
)
def test_a_locked_down_machine_is_told_what_to_do(scope: int | None, sentence: str) -> None:
    error = processor.locked_down(scope)
    assert sentence in error.sentence
    assert error.remedy.startswith("Take kernel 7.2" if scope == 3 else "Run it as root, or take kernel 7.2")


WITHOUT_PTRACE = """
import ctypes
from memcollect.lab import processor
from memcollect.lab.errors import MachineError

class Filter(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)
    ]

class Program(ctypes.Structure):
    _fields_ = [("count", ctypes.c_ushort), ("filters", ctypes.POINTER(Filter))]

LOAD, EQUAL, RETURN, PTRACE, ALLOW, EPERM = 0x20, 0x15, 0x06, 101, 0x7FFF0000, 0x00050001
rules = (Filter * 4)((LOAD, 0, 0, 0), (EQUAL, 0, 1, PTRACE), (RETURN, 0, 0, EPERM), (RETURN, 0, 0, ALLOW))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, ctypes.byref(Program(4, rules)), 0, 0) == 0
try:
    processor.register_bytes()
except MachineError as error:
    print(error)
"""
"""PR_SET_NO_NEW_PRIVS, and a filter (seccomp(2)) that refuses ptrace, as a locked-down host does."""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the filter is for x86-64")
def test_on_a_host_that_refuses_ptrace_there_is_a_sentence_and_no_boot() -> None:
    done = children.run([sys.executable, "-c", WITHOUT_PTRACE])
    assert done.stderr == ""
    assert re.match(
        r"(ptrace is not allowed here|this machine lets nobody .*), and this kernel runs", done.stdout
    )
    assert done.stdout.rstrip().endswith("or make lab KERNEL=7.2")
    assert len(done.stdout.splitlines()) == 1


def refused_sizes(library: Path | None, sizes: list[int]) -> list[int]:
    """Set a stopped child's registers from areas of these sizes; return those that were refused."""
    environment = {**os.environ, "LD_PRELOAD": str(library or "")}
    command = [sys.executable, str(ROOT / "tests/worlds/set_registers.py"), *map(str, sizes)]
    done = children.run(command, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    return [int(word) for word in done.stdout.split()]


@pytest.fixture
def built(tmp_path: Path) -> Path:
    if shutil.which("cc") is None:
        pytest.skip("no cc")
    children.run([ROOT / "scripts/build-padding", tmp_path / "built.so"], check=True)
    return tmp_path / "built.so"


@pytest.fixture(params=["shipped", "built"])
def library(request: pytest.FixtureRequest) -> Path:
    return SHIPPED if request.param == "shipped" else request.getfixturevalue("built")


def test_with_the_library_an_area_of_any_size_is_set_whole(library: Path) -> None:
    host = processor.register_bytes()
    if host is None:
        pytest.skip("this processor has no such area")
    sizes = [AVX, AVX_512_AND_KEYS, host]
    assert refused_sizes(None, sizes) == [size for size in sizes if size < host]
    assert refused_sizes(library, sizes) == []


def test_the_shipped_library_is_what_its_source_makes(built: Path) -> None:
    assert checksum_in(SHIPPED) == checksum_in(built)
    if maker_of(built) == maker_of(SHIPPED):
        assert built.read_bytes() == SHIPPED.read_bytes()


def checksum_in(library: Path) -> bytes:
    """Return the checksum of the source that is written into a library."""
    (checksum,) = re.findall(rb"[0-9a-f]{64}", library.read_bytes())
    return bytes(checksum)


def maker_of(library: Path) -> bytes | None:
    """Return the name and the version of the compiler that made it."""
    found = re.search(rb"GCC: [^\0]*|clang version [^\0]*", library.read_bytes())
    return found[0] if found else None


def test_the_library_goes_into_the_directory_of_the_boot(tmp_path: Path) -> None:
    assert processor.padding_library(tmp_path).read_bytes() == SHIPPED.read_bytes()
