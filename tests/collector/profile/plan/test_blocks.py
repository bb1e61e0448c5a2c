import msgspec

from memcollect.documents.run import PhaseRun, PhaseStatus, Settling
from memcollect.profile.plan.blocks import Block, blocks
from memcollect.profile.plan.model import Nothing, Phase, Plan, Reuse, Scale, Selected

A, B = Nothing(name="a"), Nothing(name="b")
MANY = Scale(name="many", steps=[10, 50])
WARM = Reuse(name="warm", cycles=2)


def plan(*phases: Phase, repeats: int = 1) -> Plan:
    return Plan(name="x", repeats=repeats, source=Selected(selector="a=b"), phases=list(phases))


def ended(
    phase: str, status: PhaseStatus = "ok", cycle: int | None = None, step: int | None = None
) -> PhaseRun:
    return PhaseRun(phase=phase, status=status, cycle=cycle, step=step)


def test_phases_share_sandboxes_and_each_step_has_its_own() -> None:
    assert list(blocks(plan(A, MANY, B, repeats=2))) == [
        block
        for repeat in (1, 2)
        for block in (
            Block(repeat, (A,)),
            Block(repeat, (MANY,), 10),
            Block(repeat, (MANY,), 50),
            Block(repeat, (B,)),
        )
    ]


def test_a_block_is_done_when_every_phase_has_ended_however() -> None:
    block = Block(1, (A, B))
    assert not block.is_done([ended("a")])
    assert block.is_done([ended("a", "failed"), ended("b", "skipped")])
    assert not block.is_done([ended("a"), ended("b", "interrupted")])


def test_a_step_is_not_done_by_another_step() -> None:
    assert not Block(1, (MANY,), 50).is_done([ended("many", step=10)])


def test_a_reuse_is_done_after_all_its_cycles_or_where_it_could_not_go_on() -> None:
    block = Block(1, (WARM,))
    assert not block.is_done([ended("warm", cycle=1)])
    assert block.is_done([ended("warm", cycle=1), ended("warm", cycle=2)])
    assert block.is_done([ended("warm", "skipped")])
    assert block.is_done([ended("warm", "failed", cycle=1)])


def test_a_round_that_failed_and_was_measured_is_not_the_last_one() -> None:
    measured = msgspec.structs.replace(ended("warm", "failed", cycle=1), settling=Settling(settled=True))
    assert not Block(1, (WARM,)).is_done([measured])
