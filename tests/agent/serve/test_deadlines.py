from memcollect_agent.serve.deadlines import (
    ASKING_SECONDS,
    IN_THE_WAY_SECONDS,
    SENDING_SECONDS,
    STALLED_SECONDS,
    Deadlines,
)


class Channel:
    """What of waitress's channels is looked at."""

    def __init__(self, *, left: int = 0, requests: int = 0) -> None:
        self.total_outbufs_len = left
        self.requests = [object()] * requests
        self.closed = False
        self.connected = True

    def handle_close(self) -> None:
        self.closed = True
        self.connected = False


class Stage:
    """Some channels, and a clock that the test moves."""

    def __init__(self, *channels: Channel, most: int = 10) -> None:
        self.channels = dict(enumerate(channels))
        self.now = 0.0
        self.room_is_wanted = False
        self._deadlines = Deadlines(most, lambda: self.room_is_wanted, lambda: self.now)
        self._deadlines.enforce(self.channels)

    def after(self, seconds: float) -> None:
        self.now += seconds
        self._deadlines.enforce(self.channels)


def test_a_request_that_does_not_come_to_its_end_is_dropped() -> None:
    stage = Stage(channel := Channel())
    stage.after(ASKING_SECONDS)
    assert not channel.closed
    stage.after(1.0)
    assert channel.closed


def test_a_request_that_is_worked_on_may_take_its_time() -> None:
    stage = Stage(channel := Channel(requests=1))
    stage.after(600.0)
    assert not channel.closed


def test_the_time_to_ask_begins_anew_after_each_answer() -> None:
    stage = Stage(channel := Channel(requests=1))
    stage.after(600.0)
    channel.requests = []
    stage.after(ASKING_SECONDS)
    assert not channel.closed


def test_a_client_that_takes_nothing_is_dropped() -> None:
    stage = Stage(channel := Channel(left=1000))
    stage.after(STALLED_SECONDS + 1)
    assert channel.closed


def test_while_another_waits_for_its_room_it_is_dropped_soon() -> None:
    stage = Stage(channel := Channel(left=1000))
    stage.after(IN_THE_WAY_SECONDS + 1)
    assert not channel.closed
    stage.room_is_wanted = True
    stage.after(0.0)
    assert channel.closed


def test_a_client_that_takes_a_byte_now_and_then_is_dropped_in_the_end() -> None:
    stage = Stage(channel := Channel(left=1000))
    while stage.now <= SENDING_SECONDS:
        assert not channel.closed
        channel.total_outbufs_len -= 1
        stage.after(STALLED_SECONDS - 1)
    assert channel.closed


def test_where_connections_run_out_the_one_that_asks_longest_makes_room() -> None:
    stage = Stage(busy := Channel(requests=1), old := Channel(), most=3)
    stage.channels[2] = young = Channel()
    stage.after(1.0)
    assert [each.closed for each in (busy, old, young)] == [False, True, False]
