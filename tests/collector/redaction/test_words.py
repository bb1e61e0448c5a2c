import re

import pytest

from memcollect.redaction.arguments import sentence
from memcollect.redaction.words import Words
from memcollect_agent import pods
from worlds.redactions import KEY

UID = "476ef1fb-90cb-446a-989f-e9a1ed217abf"
ID = "4d41f9b44d87" + "0a" * 26


@pytest.mark.parametrize(
    "path",
    [
        f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{UID.replace('-', '_')}.slice",
        f"/kubepods/besteffort/pod{UID}",
        f"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod{UID.replace('-', '_')}.slice",
    ],
)
def test_a_pods_cgroup_is_still_one_with_the_uid_that_the_api_has(path: str) -> None:
    words = Words(KEY)
    place, before = pods.pod_at(words.names(path)), pods.pod_at(path)
    assert place is not None
    assert before is not None
    assert place.uid == words.name(UID) != UID
    assert (place.qos_class, place.driver) == (before.qos_class, before.driver)


@pytest.mark.parametrize(
    "name",
    [
        f"cri-containerd-{ID}.scope",
        f"crio-{ID}.scope",
        f"crio-conmon-{ID}.scope",
        f"docker-{ID}.scope",
        f"libpod-{ID}.scope",
        ID,
        f"kata_{ID}",
        f"kubepods-burstable-pod{UID.replace('-', '_')}.slice:cri-containerd:{ID}",
    ],
)
def test_a_containers_cgroup_is_still_one_with_its_id(name: str) -> None:
    words = Words(KEY)
    before, after = pods.container_at(name), pods.container_at(words.name(name))
    assert (after.role, after.runtime) == (before.role, before.runtime)
    assert after.id == words.name(ID) != ID


def test_the_beginning_of_an_id_is_the_beginning_of_what_it_became() -> None:
    words = Words(KEY)
    assert words.name(ID).startswith(words.name(ID[:12]))
    assert re.fullmatch(r"[0-9a-f]{64}", words.name(ID))


@pytest.mark.parametrize(
    "unit", ["ssh.service", "user-1000.slice", "system.slice", "docker.service", "session-4.scope"]
)
def test_common_units_stay(unit: str) -> None:
    assert Words(KEY).name(unit) == unit


@pytest.mark.parametrize("text", ["0", "12.5", "512Mi", "-", "*", "", "..."])
def test_numbers_and_marks_stay(text: str) -> None:
    assert Words(KEY).name(text) == text


@pytest.mark.parametrize(
    "program",
    ["chrome", "jupyter-lab", "python3.12", "runsc", "qemu-system-x86_64", "nginx", "containerd-shim"],
)
def test_well_known_programs_stay(program: str) -> None:
    assert Words(KEY).name(program) == program


def test_of_a_name_that_tells_a_service_by_its_beginning_the_rest_goes() -> None:
    hidden = Words(KEY).name("mcp-zqsecret")
    assert hidden.startswith("mcp-")
    assert "zqsecret" not in hidden


def test_a_service_stays_one_and_a_machine_stays_one() -> None:
    words = Words(KEY)
    assert re.fullmatch(r"x\w{9}\.service", words.name("zqbilling.service"))
    assert words.name("lxc.payload.zqdb").startswith("lxc.payload.x")


def test_what_was_replaced_is_not_replaced_again() -> None:
    words = Words(KEY)
    assert words.name(words.name("zqname")) == words.name("zqname")


def test_an_entry_that_is_of_no_container_is_hidden_where_it_is_named() -> None:
    told = sentence(Words(KEY), "it adds up an entry called billing-proxy (45 MiB), which is not of this pod")

    assert "billing" not in told
    assert told.endswith(" (45 MiB), which is not of this pod")
