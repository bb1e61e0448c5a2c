"""What the agent reads: the kernel's files, in part written by pods, and what clients send."""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import msgspec

from fuzz.target import Target
from memcollect_agent import pods
from memcollect_agent.errors import ParseError
from memcollect_agent.history.followed import STAT_FIELDS
from memcollect_agent.measure import mappings
from memcollect_agent.metrics import http
from memcollect_agent.parse import (
    chosen,
    cmdline,
    controllers,
    cpu_list,
    flat_keyed,
    meminfo,
    mountinfo,
    mounts,
    numa_stat,
    pid_cgroup,
    pid_stat,
    pressure,
    proc_stat,
    procs,
    single_value,
    smaps,
    smaps_rollup,
    status,
    swaps,
    version,
    vmstat,
    zoneinfo,
)
from memcollect_agent.parse.stat_fields import StatFields
from memcollect_agent.redact import DEFAULT_LENGTH, command_line, masked, visible
from memcollect_agent.sandbox import kinds, places
from memcollect_agent.sandbox.regions import regions
from memcollect_agent.serve import addresses, bodies, schema, wsgi
from memcollect_agent.serve.answers import Refusal
from memcollect_agent.wire import History, HistoryRequest, NodeSample, SampleRequest

_STAT_FIELDS = StatFields(STAT_FIELDS)
_LARGEST = 1 << 74
"""2^64 - 1 KiB, the most that a file of the kernel can say."""


def _parsed(parse: Callable[[bytes, str], object]) -> Callable[[bytes], None]:
    """Return what parses, and sees that no number is below nought or beyond what the kernel can write."""

    def run(data: bytes) -> None:
        with suppress(ParseError):
            _check(parse(data, "some file"))

    return run


def _check(value: Any) -> None:
    if isinstance(value, msgspec.Struct):
        value = list(msgspec.structs.asdict(value).values())
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for each in value:
            _check(each)
    elif isinstance(value, int):
        assert 0 <= value < _LARGEST
    elif isinstance(value, float):
        assert value >= 0


PARSERS: tuple[tuple[str, Callable[[bytes, str], object], str], ...] = (
    ("chosen", chosen.parse, "*/transparent_hugepage/enabled"),
    ("cmdline", cmdline.parse, "*/cmdline"),
    ("controllers", controllers.parse, "*/cgroup.controllers"),
    ("cpu_list", cpu_list.parse_count, "*/online"),
    ("flat_keyed", flat_keyed.parse, "*/memory.stat"),
    ("meminfo", meminfo.parse, "*/meminfo"),
    ("mountinfo", mountinfo.parse, ""),
    ("mounts", mounts.parse, "*/mounts"),
    ("numa_stat", numa_stat.parse, ""),
    ("pid_cgroup", pid_cgroup.parse, ""),
    ("pressure", pressure.parse, ""),
    ("proc_stat", proc_stat.parse_boot_time, "*/proc/stat"),
    ("procs", procs.parse, "*/cgroup.procs"),
    ("single_value.flag", single_value.parse_flag, "*/memory.oom.group"),
    ("single_value.flags", single_value.parse_flags, ""),
    ("single_value.limit", single_value.parse_limit, "*/memory.max"),
    ("single_value.number", single_value.parse_number, "*/memory.current"),
    ("single_value.word", single_value.parse_word, "*/boot_id"),
    ("smaps", smaps.parse, "*/smaps"),
    ("smaps_rollup", smaps_rollup.parse, "*/smaps_rollup"),
    ("stat_fields", _STAT_FIELDS.parse, "*/memory.stat"),
    ("swaps", swaps.parse_count, "*/swaps"),
    ("version", version.parse_release, "*/version"),
    ("vmstat", vmstat.parse, "*/vmstat"),
    ("zoneinfo", zoneinfo.parse_free_percpu, ""),
)
"""Of numbers that are all counts or sizes."""


def _pid_stat(data: bytes) -> None:
    with suppress(ParseError):
        pid_stat.parse(data)


def _status(data: bytes) -> None:
    with suppress(ParseError):
        status.parse(data)


def _cut_smaps(data: bytes) -> None:
    """Take smaps that were cut anywhere, as those of a process with too many mappings are."""
    with suppress(ParseError):
        found = list(smaps.parse(smaps.whole_mappings(data)))
        assert sum(each.mappings for each in regions(found)) == len(found)
        for part in mappings.parts(found, "/usr/bin/node"):
            assert 0 <= part.anon_low_bytes <= part.anon_high_bytes


def _command_line(data: bytes) -> None:
    told = command_line(data.decode("utf-8", "surrogateescape").split("\0"))
    assert len(told) <= DEFAULT_LENGTH
    assert told.isprintable()


def _masked(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    told = masked(f"{text} --password=hunter2hunter2")
    assert "hunter2hunter2" not in told
    assert visible(told).isprintable()


def _path(data: bytes) -> None:
    path = "/" + os.fsdecode(data)
    pods.pod_at(path)
    pods.unit_at(path)
    pods.in_a_pod(path)
    pods.holds_pods(path)
    places.sandbox_at(path)
    pods.container_at(path.rsplit("/", 1)[-1])


def _program(data: bytes) -> None:
    comm, *arguments = data.decode("utf-8", "surrogateescape").split("\0")
    kinds.sandbox_id(arguments)
    for exe in (None, comm):
        told = kinds.recognise(comm[: kinds.COMM_LENGTH], arguments, exe)
        assert told is None or not exe or kinds.is_known(exe)
        kinds.recognise_keeper(comm[: kinds.COMM_LENGTH], arguments, exe)


def _request(data: bytes) -> None:
    for form in ("application/json", "application/msgpack"):
        for kind in (SampleRequest, HistoryRequest):
            for lenient in (False, True):
                _decoded(data, form, kind, lenient=lenient)


def _decoded(data: bytes, form: str, kind: Any, *, lenient: bool) -> None:
    try:
        request, problems = bodies.decode(data, form, kind, lenient=lenient)
    except Refusal as refusal:
        _told(refusal)
        return
    assert len(problems) <= 10
    assert len(getattr(request, "pod_uids", None) or []) <= bodies.MAX_UIDS


def _told(refusal: Refusal) -> None:
    assert refusal.status in (400, 413)
    assert refusal.sentence.isprintable()


def _headers(data: bytes) -> None:
    text = data.decode("latin-1")
    wsgi._is_local(text)
    with suppress(Refusal):
        schema.check(text)
    with suppress(ValueError):
        address = addresses.parse(text)
        assert 0 <= address.port <= 65535
        assert addresses.parse(str(address)).port == address.port


class _Page:
    def get(self, *, openmetrics: bool, compressed: bool) -> bytes:
        return b"%d%d" % (openmetrics, compressed)


_answer = http.answering(_Page())


def _metrics(data: bytes) -> None:
    head = b"".join(_answer(data))
    assert head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 4"))


def wire(kind: Any) -> Callable[[bytes], None]:
    """Return what decodes an answer, and sees that it survives being sent on."""
    decode, encode = msgspec.msgpack.Decoder(kind).decode, msgspec.msgpack.encode

    def run(data: bytes) -> None:
        with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            value = decode(data)
            assert encode(decode(encode(value))) == encode(value)

    return run


TARGETS = (
    *(Target(name=f"parse.{name}", run=_parsed(parse), recorded=seeds) for name, parse, seeds in PARSERS),
    Target(name="parse.pid_stat", run=_pid_stat, recorded="*/proc/[0-9]*/stat"),
    Target(name="parse.status", run=_status, recorded="*/status"),
    Target(name="smaps-cut", run=_cut_smaps, recorded="*/smaps"),
    Target(name="command-line", run=_command_line, recorded="*/cmdline"),
    Target(name="masking", run=_masked),
    Target(name="cgroup-path", run=_path),
    Target(name="program", run=_program, recorded="*/cmdline"),
    Target(name="request", run=_request),
    Target(name="headers", run=_headers),
    Target(name="metrics-request", run=_metrics),
    Target(name="wire.sample", run=wire(NodeSample), recorded="*/wire_samples/*.msgpack"),
    Target(name="wire.history", run=wire(History)),
)
