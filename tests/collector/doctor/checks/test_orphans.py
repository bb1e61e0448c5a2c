from memcollect.doctor.checks import orphans
from memcollect.doctor.facts import ClusterFacts, Fault, Orphan, PodCgroups, Question

MIB = 1 << 20


def facts(seen: PodCgroups | Fault) -> ClusterFacts:
    return ClusterFacts(question=Question(), pod_cgroups=seen)


def test_pods_that_the_api_server_knows_are_well() -> None:
    found = orphans.known(facts(PodCgroups(nodes=["n1", "n2"])))

    assert found.status == "ok"
    assert "2 nodes" in found.sentence


def test_orphans_are_warned_of_with_what_they_hold_and_where_to_look() -> None:
    seen = PodCgroups(
        nodes=["n1"],
        orphans=[
            Orphan(node="n1", uid="u1", charge_bytes=1500 * MIB),
            Orphan(node="n1", uid="u2", charge_bytes=None),
        ],
    )
    found = orphans.known(facts(seen))

    assert found.status == "warn"
    assert "2 cgroups of pods on n1, with 1500 MiB" in found.sentence
    assert found.commands == ("memcollect node n1",)
    assert [item.name for item in found.items] == ["n1 u1", "n1 u2"]


def test_without_the_right_to_list_pods_it_cannot_be_told() -> None:
    found = orphans.known(facts(Fault("You may not list pods.", "Ask for it.")))

    assert (found.status, found.remedy) == ("warn", "Ask for it.")
    assert "You may not list pods." in found.sentence


def test_agents_that_are_too_old_are_to_be_upgraded() -> None:
    assert orphans.known(facts(PodCgroups())).status == "warn"
