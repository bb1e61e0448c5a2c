"""Services that a phase of a run has off, over its repeats."""

from collections.abc import Mapping

import msgspec

from memcollect.compare import Document, Question, compare
from memcollect.compare.model import ServicesSaved
from memcollect.documents.snapshot import Pod, Service
from memcollect.reporters.compare.beside import services
from worlds import compare_builders as build
from worlds.compare_builders import MIB, process

OTHER = Service(name="other", processes=3)


def jupyter(low: int, high: int) -> Service:
    return Service(name="Jupyter", processes=2, saves_low_bytes=low * MIB, saves_high_bytes=high * MIB)


def sandbox(anon: int, repeat: int, *running: Service) -> Pod:
    """Return the pod that a repeat has for itself, all of whose processes are listed."""
    made = build.pod(anon * MIB, processes=[process("init", 1)], uid=build.uid_of("aio", repeat))
    containers = [msgspec.structs.replace(each, services=[*running, OTHER]) for each in made.containers]
    return msgspec.structs.replace(made, containers=containers)


def run(repeats: Mapping[int, tuple[Pod, Pod]]) -> Document:
    phases = {"with": [MIB] * len(repeats), "without": [MIB] * len(repeats)}
    made = build.run("aio", phases, evidence=[])
    snapshots = {
        build.path_of(phase, repeat): build.snapshot(pod, sample=phase)
        for repeat, pair in repeats.items()
        for phase, pod in zip(phases, pair, strict=True)
    }
    return msgspec.structs.replace(made, snapshots=snapshots)


def saved(repeats: Mapping[int, tuple[Pod, Pod]]) -> list[ServicesSaved]:
    return compare([run(repeats)], Question()).services_saved


def said(repeats: Mapping[int, tuple[Pod, Pod]]) -> str:
    (section,) = services(compare([run(repeats)], Question()))
    (bullet,) = section.bullets
    return bullet.text


THREE = {
    1: (sandbox(300, 1, jupyter(40, 44)), sandbox(258, 1)),
    2: (sandbox(400, 2, jupyter(41, 45)), sandbox(357, 2)),
    3: (sandbox(350, 3, jupyter(40, 43)), sandbox(300, 3)),
}
"""It fell by 42, 43 and 50 MiB: the last by more than was predicted of it."""


def test_each_repeat_is_held_against_its_own_prediction() -> None:
    (row,) = saved(THREE)
    assert (row.phase.name, row.after.name, row.container, row.services) == (
        *("without", "with", "aio"),
        ["Jupyter"],
    )
    assert row.predicted_low is not None
    assert row.predicted_high is not None
    assert row.fell is not None
    assert row.predicted_low.values_bytes == [40 * MIB, 40 * MIB, 41 * MIB]
    assert row.predicted_high.values_bytes == [43 * MIB, 44 * MIB, 45 * MIB]
    assert row.fell.values_bytes == [42 * MIB, 43 * MIB, 50 * MIB]
    assert (row.within, row.judged, row.repeats, row.of_repeats) == (2, 3, 3, 3)


def test_it_is_one_sentence() -> None:
    assert said(THREE) == (
        "aio, without against with, container aio: without Jupyter, −40 to −45 MiB was predicted. The"
        " container's charge changed by −43.0 MiB, the median of 3 repeats (−50.0 MiB to −42.0 MiB): within"
        " what was predicted in 2 of 3 repeats."
    )


def test_of_one_repeat_there_is_no_median() -> None:
    assert said({1: THREE[1]}).endswith(
        "The container's charge changed by −42.0 MiB, within what was predicted."
    )


def test_a_charge_that_rose_is_not_within_what_was_predicted() -> None:
    assert said({1: (sandbox(300, 1, jupyter(40, 44)), sandbox(301, 1))}).endswith(
        "The container's charge changed by +1.0 MiB, not within what was predicted."
    )


def test_a_repeat_in_which_it_runs_on_is_counted() -> None:
    runs_on = (sandbox(300, 2, jupyter(40, 44)), sandbox(300, 2, jupyter(40, 44)))
    (row,) = saved({1: THREE[1], 2: runs_on})
    assert (row.repeats, row.of_repeats, row.judged) == (1, 2, 1)
    assert "was predicted (off in 1 of 2 repeats)." in said({1: THREE[1], 2: runs_on})


def test_another_pod_after_the_phase_proves_nothing() -> None:
    assert saved({1: (sandbox(300, 1, jupyter(40, 44)), sandbox(258, 7))}) == []


def test_a_price_that_one_repeat_lacks_is_not_known_of_all() -> None:
    unpriced = Service(name="Jupyter", processes=2)
    pair = (sandbox(400, 2, unpriced), sandbox(357, 2))
    (row,) = saved({1: THREE[1], 2: pair})
    assert (row.predicted_low, row.within, row.judged) == (None, 1, 1)
    assert "what that would save was not known in every repeat" in said({1: THREE[1], 2: pair})


def test_without_services_that_went_there_is_no_section() -> None:
    pages = compare([run({1: (sandbox(300, 1), sandbox(300, 1))})], Question())
    assert list(services(pages)) == []
