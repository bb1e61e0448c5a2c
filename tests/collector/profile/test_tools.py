"""The workshop: real threads, each with tools of its own, held back by events and not by time."""

import threading
from collections.abc import Callable

from memcollect.profile.tools import Tools, Work, Workshop
from memcollect.sources.api import Patience
from worlds.profile_doubles import NOWHERE
from worlds.waiting import PATIENCE, wait_until


def workshop(most_at_once: int = 8) -> Workshop:
    return Workshop(NOWHERE, Patience(), most_at_once)


def done(work: Work[int, int]) -> Work[int, int]:
    assert work.wait(PATIENCE)
    return work


def doubled(_tools: Tools, number: int) -> int:
    return 2 * number


def test_results_are_by_place_in_the_list_even_where_items_are_equal() -> None:
    work = done(workshop().begin(doubled, [5, 7, 5]))
    assert (work.results, work.errors) == ({0: 10, 1: 14, 2: 10}, {})


def test_nothing_to_do_has_ended_already() -> None:
    work: Work[int, int] = workshop().begin(doubled, [])
    assert work.ended
    assert work.wait(0)


def test_one_items_fault_is_that_items_result_and_the_others_go_on() -> None:
    def half(_tools: Tools, number: int) -> int:
        if number % 2:
            raise ValueError(number)
        return number // 2

    work = done(workshop(1).begin(half, [2, 3, 4, 5]))
    assert work.results == {0: 1, 2: 2}
    assert {place: str(error) for place, error in work.errors.items()} == {1: "3", 3: "5"}


def test_it_is_begun_at_once_and_has_not_ended_while_one_item_is_left() -> None:
    gate = threading.Event()

    def held(_tools: Tools, number: int) -> int:
        return number if number != 2 or gate.wait(PATIENCE) else -1

    work = workshop().begin(held, [1, 2, 3])
    wait_until(lambda: len(work.results) == 2)
    assert not work.wait(0.01)
    assert not work.ended
    gate.set()
    assert done(work).results == {0: 1, 1: 2, 2: 3}


def most_seen(most_at_once: int, items: int) -> int:
    """Return how many items were worked on at once, of as many as could be."""
    at_work, most, lock = [0], [0], threading.Lock()
    full = threading.Event()
    expected = max(1, min(most_at_once, items))

    def counted(_tools: Tools, number: int) -> int:
        with lock:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
            if at_work[0] == expected:
                full.set()
        assert full.wait(PATIENCE)
        with lock:
            at_work[0] -= 1
        return number

    assert len(done(workshop(most_at_once).begin(counted, range(items))).results) == items
    return most[0]


def test_no_more_work_at_once_than_was_said_and_as_much_as_there_is() -> None:
    assert most_seen(3, items=9) == 3
    assert most_seen(50, items=2) == 2
    assert most_seen(0, items=3) == 1


def test_each_thread_has_tools_of_its_own_and_keeps_them_from_item_to_item() -> None:
    both = threading.Barrier(2)
    used: list[tuple[int, Tools]] = []

    def noted(tools: Tools, number: int) -> int:
        both.wait(PATIENCE)
        used.append((threading.get_ident(), tools))
        return number

    done(workshop(2).begin(noted, range(6)))
    assert len({id(tools) for _, tools in used}) == 2
    assert len({(thread, id(tools)) for thread, tools in used}) == 2


def test_a_workers_tools_are_closed_when_nothing_is_left_even_after_a_fault() -> None:
    closed: list[Tools] = []

    class Watched(Workshop):
        def tools(self) -> Tools:
            return WatchedTools(NOWHERE, Patience(), self._abandoned)

    class WatchedTools(Tools):
        def close(self) -> None:
            closed.append(self)
            super().close()

    def failing(tools: Tools, _number: int) -> int:
        raise RuntimeError(str(tools))

    done(Watched(NOWHERE, Patience(), 2).begin(failing, range(4)))
    wait_until(lambda: len(closed) == 2)


def test_tools_are_made_when_they_are_first_used_and_anew_after_they_were_closed() -> None:
    parts: list[Callable[[Tools], object]] = [lambda t: t.api, lambda t: t.executor, lambda t: t.transport]
    for part in parts:
        tools = workshop().tools()
        tools.close()
        first = part(tools)
        assert part(tools) is first
        tools.close()
        assert part(tools) is not first
        tools.close()
