"""What only sandboxed pods and pods with services have, in the reports for people."""

from pathlib import Path

import msgspec
import pytest

from lab.runtime_explained import explained, gvisor_split, kata_guest
from lab.runtime_truth import Played
from memcollect.documents.snapshot import Pod, Snapshot
from memcollect.reporters import markdown, table
from memcollect.services import default_table, with_services
from memcollect_agent.measure.sample import Roots, sample_node
from memcollect_agent.wire import SampleRequest

FIXTURES = Path(__file__).parents[2] / "fixtures"


def played(scene: str) -> Played:
    tree = FIXTURES / f"lab-runtime-{scene}"
    known = msgspec.json.decode((tree / "scene.json").read_bytes(), type=Played)
    roots = Roots(proc=str(tree / "proc"), cgroup=str(tree / "sys/fs/cgroup"), sys=str(tree / "sys"))
    return msgspec.structs.replace(known, sample=sample_node(SampleRequest(process_limit=20), roots))


def reports(pod: Pod) -> tuple[str, str]:
    snapshot = Snapshot(captured_at="", finished_at="", mode="cluster", pods=[pod])
    return " ".join(table.render(snapshot, full=True).split()), " ".join(markdown.render(snapshot).split())


@pytest.mark.parametrize("number", [0, 1])
def test_services_stand_before_the_processes_with_what_is_left_over(number: int) -> None:
    (pod,) = explained(played("aio-services"), None)
    text = reports(with_services(pod, default_table()))[number]
    assert "Services of" in text
    names = ("Chromium", "Jupyter", "code-server", "other")
    places = [text.index(name, text.index("Services of")) for name in names]
    assert places == sorted(places)
    assert text.index("Services of") < text.index("Processes of")


@pytest.mark.parametrize("number", [0, 1])
def test_a_cgroup_outside_the_pod_is_shown_beside_it(number: int) -> None:
    scene = played("kata-overhead-anon")
    (pod,) = explained(scene, "kata", kata_guest(scene))
    text = reports(pod)[number].replace("`", "").replace("\\", "")
    assert "Container kata_overhead" in text
    assert "outside of the pod's own cgroup" in text


@pytest.mark.parametrize("number", [0, 1])
def test_the_sandboxs_own_cgroup_is_taken_apart_like_an_apps(number: int) -> None:
    scene = played("gvisor-systemd")
    (pod,) = explained(scene, "gvisor", gvisor_split(scene))
    text = reports(pod)[number].replace("`", "")
    assert "Container sandbox" in text
    assert "not visible from the host" in text
