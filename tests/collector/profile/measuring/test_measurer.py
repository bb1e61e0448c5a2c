"""What a person who waits is told; the measuring itself is pinned in commands/test_profile.py."""

import msgspec

from memcollect.documents.run import Settling, Startup
from memcollect.profile.measuring.measurer import _judged, in_words
from memcollect.profile.measuring.snapshots import Taken
from worlds import compare_builders as build
from worlds.compare_builders import MIB

RUN = build.phase_run("concurrent", 1, settling=Settling(settled=True, waited_seconds=6.4))


def startup(requested: float, ready: float | None) -> Startup:
    return Startup(pod_uid="u", pod="p", requested_at=requested, seen_ready_at=ready)


def test_one_pod_is_told_with_its_working_set_and_how_long_it_took_to_rest() -> None:
    told = in_words(build.snapshot(build.pod(15 * MIB)), RUN)
    assert told == "15 MiB of working set, at rest after 6 s"


def test_of_many_the_average_of_the_measured_ones_is_told_and_how_many_are_not() -> None:
    lost = build.pod(MIB, "lost", containers=[], cgroup=None, unmeasured="gone")
    snapshot = build.snapshot(build.pod(10 * MIB, "a"), build.pod(20 * MIB, "b"), lost)
    told = in_words(snapshot, msgspec.structs.replace(RUN, settling=None))
    assert told == "15 MiB of working set in each of 2 pods, on average (1 not measured)"


def test_startups_are_told_by_their_median_and_the_slowest() -> None:
    rows = [startup(1.0, 2.0), startup(1.0, 3.0), startup(1.0, 9.5), startup(1.0, None)]
    run = msgspec.structs.replace(RUN, startups=rows, settling=None)
    told = in_words(build.snapshot(build.pod(MIB)), run)
    assert told == "1 MiB of working set, ready after 2.0 s (the slowest 8.5 s)"


def test_a_pod_that_was_lost_is_named_with_the_reason() -> None:
    why = "it was deleted after the pods were listed"
    lost = build.pod(MIB, "lost", containers=[], cgroup=None, unmeasured=why)
    run = _judged(RUN, Taken(build.snapshot(lost)))
    assert run.reason == f"No pod was measured: pod {lost.full_name}: {why}"


def test_nothing_measured_is_said_and_is_no_zero() -> None:
    run = msgspec.structs.replace(RUN, settling=Settling(settled=False, waited_seconds=9.0))
    assert in_words(build.snapshot(), run) == "no pod measured"
