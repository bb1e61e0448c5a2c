from memcollect_agent.parse import vmstat
from worlds.agent_trees import FIXTURES


def test_only_what_tells_of_memory_trouble_is_kept() -> None:
    data = b"nr_free_pages 1323124\noom_kill 2\nworkingset_refault_file 5\npswpout 7\npgfault 9\n"
    assert vmstat.parse(data) == {"oom_kill": 2, "workingset_refault_file": 5, "pswpout": 7}


def test_a_real_one_has_all_the_kinds() -> None:
    fields = vmstat.parse((FIXTURES / "systemd-kernel-7.2/proc/vmstat").read_bytes())
    assert {
        "oom_kill",
        "pswpin",
        "pgscan_direct",
        "workingset_refault_anon",
        "allocstall_normal",
    } <= fields.keys()


def test_the_kills_are_found_among_lines_that_begin_alike_and_are_unknown_where_there_are_none() -> None:
    assert vmstat.oom_kills(b"nr_free_pages 1\nno_oom_kill 3\noom_kill 12\noom_kills 4\n") == 12
    assert vmstat.oom_kills(b"nr_free_pages 1\noom_killed 3\noom_kill x\n") is None


def test_a_real_ones_kills_are_those_of_the_careful_parser() -> None:
    data = (FIXTURES / "systemd-oom-kernel-7.2/proc/vmstat").read_bytes()
    assert vmstat.oom_kills(data) == vmstat.parse(data)["oom_kill"]
