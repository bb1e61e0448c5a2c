import pytest

from memcollect.reporters.price_words import price, without
from memcollect.services import default_table
from memcollect.services.group import group
from memcollect.services.price import STACK_BYTES, Price, kernel_bytes, price_of
from memcollect_agent.measure.processes import Budget, Processes, Wanted
from memcollect_agent.read.procfs import ProcFs
from memcollect_agent.wire import Process, ProcessSums
from worlds.private_memory import LARGE_BYTES, SHARING, python, running

MIB = 1 << 20


def process(pid: int, *, anon: int, anonymous: int, pss: int, command: str = "jupyter-lab") -> Process:
    return Process(
        pid=pid,
        ppid=0,
        start_time=0.0,
        command=command,
        threads=2,
        pss_bytes=pss,
        pss_anon_bytes=anon,
        page_tables_bytes=MIB,
        smaps_rollup={"Anonymous": anonymous},
    )


def test_what_is_private_is_lost_at_least_and_all_that_it_maps_at_most() -> None:
    alone = process(1, anon=40 * MIB, anonymous=40 * MIB, pss=50 * MIB)
    assert price_of([alone]) == Price(40 * MIB, 51 * MIB + 1023 + 2 * STACK_BYTES)


def test_what_a_fork_shares_may_stay() -> None:
    shared = process(1, anon=30 * MIB, anonymous=40 * MIB, pss=30 * MIB)
    found = price_of([shared])
    assert found is not None
    assert found.low_bytes == 20 * MIB  # of 40 MiB at most 20 are shared by halves


def test_what_only_its_own_processes_share_is_lost_with_them() -> None:
    """Three processes with the same 30 MiB, and a neighbour that shares nothing, or 8 MiB at most."""
    own = [process(pid, anon=10 * MIB, anonymous=30 * MIB, pss=10 * MIB) for pid in (1, 2, 3)]
    alone = process(4, anon=9 * MIB, anonymous=9 * MIB, pss=9 * MIB)
    sharing = process(4, anon=9 * MIB, anonymous=13 * MIB, pss=9 * MIB)
    blind = Process(pid=4, ppid=0, start_time=0.0)
    lows = [price_of(own, others) for others in ([alone], [sharing], [blind], None)]
    assert [each.low_bytes if each else None for each in lows] == [30 * MIB, 22 * MIB, 0, 0]


def test_a_process_that_does_not_tell_leaves_no_price() -> None:
    assert price_of([Process(pid=1, ppid=0, start_time=0.0)]) is None
    assert price_of([]) is None


def test_a_real_process_saves_what_only_it_holds() -> None:
    with running(*python(SHARING)) as child, ProcFs() as proc:
        reader = Processes(proc, Wanted(limit=5, page_tables=True), Budget(60), 0.0)
        found = price_of(reader.describe(reader.read({child.pid: None}, set())))
    assert found is not None
    assert found.low_bytes < LARGE_BYTES // 2  # its fork keeps the 64 MiB, whatever it does
    assert found.low_bytes < found.high_bytes < LARGE_BYTES // 2 + 32 * MIB
    with running(*python(SHARING.replace("os.fork() == 0", "False"))) as child, ProcFs() as proc:
        reader = Processes(proc, Wanted(limit=5, page_tables=True), Budget(60), 0.0)
        alone = price_of(reader.describe(reader.read({child.pid: None}, set())))
    assert alone is not None
    assert LARGE_BYTES <= alone.low_bytes <= alone.high_bytes


def test_services_with_a_switch_are_told_together() -> None:
    listed = [
        process(1, anon=100 * MIB, anonymous=100 * MIB, pss=110 * MIB),
        process(2, anon=50 * MIB, anonymous=50 * MIB, pss=60 * MIB, command="code-server"),
        process(3, anon=MIB, anonymous=MIB, pss=MIB, command="nginx"),
    ]
    services = group(listed, ProcessSums(read=3), default_table(), 6 * MIB)
    (sentence,) = without(services)
    assert sentence == (
        "Without Jupyter and code-server: −150 to −178 MiB (predicted). If the image knows the switch, "
        "DISABLE_JUPYTER=true and DISABLE_CODE_SERVER=true turn them off."
    )
    assert price(services[0]) == "−100 to −117 MiB"


def test_where_the_containers_kernel_memory_is_not_known_there_is_no_upper_bound() -> None:
    listed = [process(1, anon=100 * MIB, anonymous=100 * MIB, pss=110 * MIB)]
    (service,) = group(listed, ProcessSums(read=1), default_table())
    assert (service.saves_low_bytes, service.saves_high_bytes) == (100 * MIB, None)


@pytest.mark.parametrize(
    ("stat", "current", "expected"),
    [
        ({"kernel": 9 * MIB, "sock": MIB, "pagetables": 2 * MIB, "kernel_stack": MIB}, None, 7 * MIB),
        ({"anon": 4 * MIB, "file": 3 * MIB, "pagetables": MIB, "kernel_stack": MIB}, 12 * MIB, 3 * MIB),
        ({"anon": 4 * MIB, "file": 3 * MIB}, 5 * MIB, 0),
        ({"anon": 4 * MIB, "file": 3 * MIB}, None, None),
        (None, 5 * MIB, None),
    ],
    ids=["named whole", "what the charge leaves", "torn", "no charge", "no memory.stat"],
)
def test_kernel_memory_that_may_be_anybodys(
    stat: dict[str, int] | None, current: int | None, expected: int | None
) -> None:
    assert kernel_bytes(stat, current) == expected


def test_processes_that_were_not_listed_leave_no_upper_bound() -> None:
    listed = [process(1, anon=100 * MIB, anonymous=100 * MIB, pss=110 * MIB)]
    (service, _) = group(listed, ProcessSums(read=2, pss_bytes=200 * MIB), default_table())
    assert (service.saves_low_bytes, service.saves_high_bytes) == (100 * MIB, None)
    assert price(service) == "at least −100 MiB"
