import msgspec

from memcollect.compare import Document, Question, compare
from memcollect.compare.model import LeftProcess
from memcollect.documents.snapshot import Pod, Scope
from memcollect_agent.wire import Process, ProcessSums
from worlds import compare_builders as build
from worlds.compare_builders import MIB, process


def _pod(*processes: Process, name: str = "sandbox-1", read: int | None = None) -> Pod:
    more = {} if read is None else {"read": read}
    return build.pod(MIB, name, processes=list(processes), **more)


def _run(before: list[Pod], after: list[Pod]) -> Document:
    run = build.run("aio", {"empty": [MIB], "after-python": [MIB]})
    snapshots = {
        build.path_of("empty", 1): build.snapshot(*before),
        build.path_of("after-python", 1): build.snapshot(*after, sample="after-python"),
    }
    return msgspec.structs.replace(run, snapshots=snapshots)


def _left(before: list[Pod], after: list[Pod]) -> list[LeftProcess]:
    return compare([_run(before, after)], Question()).left_processes


SHELL = process("sh", 1)


def test_a_process_that_came_with_a_phase_is_named_with_its_pss() -> None:
    (left,) = _left(
        [_pod(SHELL)], [_pod(SHELL, process("ipykernel", 7, 60 * MIB), process("ipykernel", 8, MIB))]
    )
    assert (left.phase.name, left.after.name, left.container) == ("after-python", "empty", "aio")
    assert (left.name, left.count, left.pss_bytes) == ("ipykernel", 2, 61 * MIB)
    assert (left.repeats, left.of_repeats, left.certain) == (1, 1, True)


def test_a_pid_that_is_used_again_is_another_process() -> None:
    (left,) = _left([_pod(process("sh", 5))], [_pod(process("sh", 5, start_time=9.0))])
    assert (left.name, left.count) == ("sh", 1)


def test_in_another_pod_equal_names_are_taken_for_the_old_ones() -> None:
    before = [_pod(process("python3", 5))]
    after = [_pod(process("python3", 90, 9 * MIB), process("python3", 91, MIB), name="sandbox-2")]
    (left,) = _left(before, after)
    assert (left.count, left.pss_bytes) == (1, MIB)


def test_more_pods_alone_leave_nothing() -> None:
    after = [_pod(process("python3", 10 + index), name=f"sandbox-{index}") for index in range(5)]
    assert _left([_pod(process("python3", 5), name="first")], after) == []


def test_a_list_that_was_cut_before_makes_it_uncertain_unless_the_process_is_younger() -> None:
    cut = _pod(SHELL, read=9)
    old, young = process("chrome", 7), process("node", 8, start_time=2000.0)
    found = {each.name: each.certain for each in _left([cut], [_pod(SHELL, old, young)])}
    assert found == {"chrome": False, "node": True}


def test_a_process_that_could_not_be_read_before_makes_it_uncertain() -> None:
    pod = _pod(SHELL)
    (container,) = pod.containers
    unread = msgspec.structs.replace(container, sums=ProcessSums(listed=2, read=1, skipped_unlisted=1))
    before = msgspec.structs.replace(pod, containers=[unread])
    (left,) = _left([before], [_pod(SHELL, process("chrome", 7))])
    assert not left.certain


def test_an_unknown_pss_stays_unknown() -> None:
    (left,) = _left([_pod(SHELL)], [_pod(SHELL, process("a", 7, None), process("a", 8))])
    assert (left.count, left.pss_bytes) == (2, None)


def test_snapshots_that_list_no_processes_say_nothing() -> None:
    run = _run([_pod(SHELL)], [_pod(SHELL, process("chrome", 7))])
    snapshots = {
        path: msgspec.structs.replace(each, scope=Scope(processes=False))
        for path, each in run.snapshots.items()
    }
    assert compare([msgspec.structs.replace(run, snapshots=snapshots)], Question()).left_processes == []
