import msgspec

from memcollect_agent.measure.sample import sample_node
from memcollect_agent.metrics.node import read_node
from memcollect_agent.metrics.whole import HOLDERS, whole_node
from memcollect_agent.wire import CgroupTree, CgroupUse, SampleRequest
from worlds.agent_trees import recorded
from worlds.node_builders import MIB, Made


def test_every_charge_is_in_one_group() -> None:
    made = Made(orphan_anon=150 * MIB, left_shmem=90 * MIB, left_kernel=25 * MIB, outside_anon=77 * MIB)
    node = whole_node(made.tree())

    assert node.held == {
        "pods": (340 + 150) * MIB,
        "left_by_pods": 115 * MIB,
        "services": 900 * MIB,
        "outside_containers": 77 * MIB,
        "other_cgroups": 0,
        "root_alone": 10 * MIB,
    }
    assert tuple(node.held) == HOLDERS


def test_the_kubelets_number_and_what_no_counter_names() -> None:
    node = whole_node(Made(direct=33 * MIB).tree())

    assert node.working_set == (410 + 40 + 600) * MIB
    assert node.active_cache == 600 * MIB
    assert node.kernel_uncounted == 33 * MIB
    assert node.dying_cgroups == 7


def test_without_files_there_are_no_numbers_and_no_zeros() -> None:
    node = whole_node(CgroupTree(read_at=1.0, finished_at=1.0))

    assert (node.total, node.available, node.working_set, node.kernel_uncounted) == (None, None, None, None)
    assert "root_alone" not in node.held


def test_where_a_cgroup_was_left_out_nothing_is_said_of_who_holds_what() -> None:
    made = Made(orphan_anon=150 * MIB).tree()
    node = whole_node(msgspec.structs.replace(made, left_out=1))

    assert (node.held, node.dying_cgroups) == ({}, None)
    assert node.working_set == whole_node(made).working_set


def test_a_pod_without_a_number_is_not_told_as_left_by_deleted_ones() -> None:
    made = Made().tree()
    cgroups = [CgroupUse(path=each.path) if "-pod" in each.path else each for each in made.cgroups]

    assert whole_node(msgspec.structs.replace(made, cgroups=cgroups)).held == {}


def test_a_cgroup_without_numbers_hands_its_children_to_the_one_above() -> None:
    tree = CgroupTree(
        read_at=1.0,
        finished_at=1.0,
        cgroups=[
            CgroupUse(path="/a", current_bytes=100),
            CgroupUse(path="/a/b"),
            CgroupUse(path="/a/b/c.service", current_bytes=60),
        ],
    )

    assert whole_node(tree).held["other_cgroups"] == 100


def test_a_scrape_reads_what_a_sample_reads() -> None:
    roots = recorded("systemd-kernel-7.2")
    tree = sample_node(SampleRequest(pod_uids=[], sums=False, tree=True), roots).tree
    assert tree is not None

    assert read_node(roots).whole == whole_node(tree)
