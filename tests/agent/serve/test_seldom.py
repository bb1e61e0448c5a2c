from memcollect_agent.serve.seldom import Seldom


def test_a_few_lines_a_period_and_then_how_many_were_left_out() -> None:
    now = [0.0]
    seldom = Seldom(2, 60.0, lambda: now[0])
    assert [seldom.may_write() for _ in range(4)] == [(True, 0), (True, 0), (False, 0), (False, 0)]
    now[0] = 60.0
    assert [seldom.may_write() for _ in range(3)] == [(True, 2), (True, 0), (False, 0)]
