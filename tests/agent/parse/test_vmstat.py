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
