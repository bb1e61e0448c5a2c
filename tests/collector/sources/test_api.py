import socket
import sys
import time
from pathlib import Path

import msgspec
import pytest

from memcollect.errors import (
    AnswerError,
    ClusterError,
    DeniedError,
    MissingError,
    UnauthorizedError,
    UnreachableError,
)
from memcollect.kubernetes.objects import Page, Pod, ServerVersion
from memcollect.sources import kube_config
from memcollect.sources.api import Api, Patience
from memcollect.sources.deadline import LONGEST_PAUSE
from memcollect.sources.rights import Right
from memcollect.sources.version import server_version
from memcollect.testing import PODS, Cluster, Fault, StandInCluster, objects
from worlds import children
from worlds.tcp_agents import listening, refusing_port, saying
from worlds.waiting import PATIENCE

PATH = "/api/v1/pods"
RIGHT = Right("list", "pods")


def kubeconfig(folder: Path, server: str) -> str:
    path = folder / "other"
    path.write_bytes(
        msgspec.json.encode(
            {
                "clusters": [{"name": "c", "cluster": {"server": server}}],
                "contexts": [{"name": "x", "context": {"cluster": "c"}}],
                "current-context": "x",
            }
        )
    )
    return str(path)


def api_of(folder: Path, server: str, pauses: list[float]) -> Api:
    return Api(kube_config.connect(kubeconfig(folder, server)), Patience(timeout=0.3), pauses.append)


def test_an_answer_comes_as_bytes(api: Api, state: Cluster) -> None:
    state.put(PODS, objects.pod("team", "web"))
    page = msgspec.json.decode(api.get(PATH, RIGHT), type=Page[Pod])
    assert [pod.qualified_name for pod in page.items or []] == ["team/web"]
    assert next(iter(state.requests)).user_agent.startswith("memcollect/")


def test_a_large_compressed_answer_comes_whole(api: Api, state: Cluster) -> None:
    for number in range(600):
        state.put(PODS, objects.pod("team", f"web-{number}"))
    page = msgspec.json.decode(api.get(PATH, RIGHT), type=Page[Pod])
    assert len(page.items or []) == 600


def test_the_servers_version_is_read(api: Api) -> None:
    assert server_version(api) == ServerVersion(major="1", minor="36", git_version="v1.36.2")


@pytest.mark.parametrize("status", [429, 500, 503, 504])
def test_a_passing_failure_is_asked_again(api: Api, state: Cluster, pauses: list[float], status: int) -> None:
    state.fault(Fault(PATH, status=status, times=2))
    api.get(PATH, RIGHT)
    assert pauses == [0.25, 0.5]


def test_the_wait_that_the_server_asks_for_is_kept(api: Api, state: Cluster, pauses: list[float]) -> None:
    state.fault(
        Fault(PATH, status=429, retry_after_seconds=7), Fault(PATH, status=429, retry_after_seconds=9999)
    )
    api.get(PATH, RIGHT)
    assert pauses == [7, LONGEST_PAUSE]


@pytest.mark.parametrize(
    "fault",
    [Fault(PATH, drop=True), Fault(PATH, hang=True), Fault(PATH, truncate_after_bytes=5)],
    ids=["drop", "hang", "truncated"],
)
def test_a_broken_connection_is_tried_again(
    api: Api, state: Cluster, pauses: list[float], fault: Fault
) -> None:
    state.fault(fault)
    assert b"PodList" in api.get(PATH, RIGHT)
    assert pauses == [0.25]


def test_a_lasting_failure_ends_after_four_tries(api: Api, state: Cluster) -> None:
    state.fault(Fault(PATH, status=500, times=None))
    with pytest.raises(AnswerError, match="answered HTTP 500 to `list pods in all namespaces`") as raised:
        api.get(PATH, RIGHT)
    assert raised.value.status == 500
    assert len(state.requests) == 4


def test_a_wait_beyond_all_patience_is_not_begun(cluster: kube_config.Cluster, state: Cluster) -> None:
    state.fault(Fault(PATH, status=429, retry_after_seconds=20, times=None))
    pauses: list[float] = []
    with Api(cluster, Patience(total=10), pauses.append) as api, pytest.raises(AnswerError, match="429"):
        api.get(PATH, RIGHT)
    assert pauses == []


@pytest.mark.parametrize(
    ("status", "error", "sentence"),
    [
        (401, UnauthorizedError, "does not accept the credentials"),
        (403, DeniedError, "You may not list pods in namespace team"),
        (404, MissingError, "has no pods in namespace team"),
        (410, AnswerError, "410"),
        (302, AnswerError, "302"),
        (400, AnswerError, "refuses `list pods"),
        (422, AnswerError, "refuses `list pods"),
    ],
)
def test_a_refusal_is_a_sentence_with_a_remedy_and_is_not_asked_again(
    api: Api, state: Cluster, status: int, error: type[ClusterError], sentence: str
) -> None:
    state.fault(Fault("/api/v1/namespaces/team/pods", status=status))
    with pytest.raises(error, match=sentence) as raised:
        api.get("/api/v1/namespaces/team/pods", Right("list", "pods", namespace="team"))
    assert "\n" not in str(raised.value)
    assert len(state.requests) == 1


@pytest.mark.parametrize(
    ("status", "again"), [(400, False), (410, True), (422, False), (429, True), (500, True), (503, True)]
)
def test_only_what_may_pass_is_to_be_tried_again(
    api: Api, state: Cluster, status: int, *, again: bool
) -> None:
    state.fault(Fault("/api/v1/namespaces/team/pods", status=status, times=99))
    with pytest.raises(AnswerError) as raised:
        api.get("/api/v1/namespaces/team/pods", Right("list", "pods", namespace="team"))
    assert raised.value.remedy.startswith("Try again" if again else "Correct what it names")


FORBIDDEN = 'pods "mc-1" is forbidden: '
WEBHOOK = 'admission webhook "images.example" denied the request: the image is not signed'


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        (
            f"{FORBIDDEN}exceeded quota: small, requested: pods=1, used: pods=9, limited: pods=9",
            "`kubectl describe quota -n team`",
        ),
        (f'{FORBIDDEN}violates PodSecurity "restricted:latest": unrestricted capabilities', "the namespace"),
        (f"{FORBIDDEN}maximum memory usage per Container is 64Mi, but limit is 1Gi", "the namespace"),
        (WEBHOOK, "the namespace"),
    ],
)
def test_what_admission_refuses_is_no_lack_of_a_right(
    api: Api, state: Cluster, said: str, remedy: str
) -> None:
    body = {"kind": "Status", "status": "Failure", "message": said, "reason": "Forbidden", "code": 403}
    state.fault(Fault("/api/v1/namespaces/team/pods", status=403, body=msgspec.json.encode(body)))
    with pytest.raises(AnswerError) as raised:
        api.post("/api/v1/namespaces/team/pods", Right("create", "pods", namespace="team"), {})
    assert raised.value.sentence == f"You may create pods in namespace team, but not this one: {said}."
    assert remedy in raised.value.remedy
    assert "can-i" not in raised.value.remedy


def test_a_missing_right_of_an_object_by_name_is_one_however_admission_puts_it(
    api: Api, state: Cluster
) -> None:
    state.access.deny("get", "pods", reason="it is not yours")
    with pytest.raises(DeniedError, match="You may not get pods"):
        api.get("/api/v1/namespaces/team/pods/mc-1", Right("get", "pods", namespace="team"))


def test_a_missing_right_comes_with_the_command_that_checks_it(api: Api, state: Cluster) -> None:
    state.access.deny("list", "pods")
    with pytest.raises(DeniedError) as raised:
        api.get("/api/v1/namespaces/team/pods", Right("list", "pods", namespace="team"))
    assert "stand-in-user" in raised.value.sentence
    assert "`kubectl auth can-i list pods -n team`" in raised.value.remedy


def test_an_unknown_token_is_not_accepted(state: Cluster, server: StandInCluster, tmp_path: Path) -> None:
    state.access.tokens["good"] = "someone"
    good = kube_config.connect(str(server.kubeconfig(tmp_path / "good")))
    bad = kube_config.connect(str(server.kubeconfig(tmp_path / "bad", token="bad")))  # noqa: S106 # of a double
    with Api(good) as api:
        assert b"PodList" in api.get(PATH, RIGHT)
    with Api(bad) as api, pytest.raises(UnauthorizedError):
        api.get(PATH, RIGHT)


def test_https_with_the_clusters_own_authority_is_trusted(state: Cluster, tmp_path: Path) -> None:
    with StandInCluster(state, https=True) as server:
        cluster = kube_config.connect(str(server.kubeconfig(tmp_path / "config")))
        with Api(cluster) as api:
            assert server_version(api).minor == "36"


def test_a_certificate_of_somebody_else_is_one_sentence(
    state: Cluster, tmp_path: Path, pauses: list[float]
) -> None:
    with (
        StandInCluster(state, https=True) as server,
        api_of(tmp_path, server.url, pauses) as api,
        pytest.raises(UnreachableError, match=r"No trusted connection .*certificate") as raised,
    ):
        server_version(api)
    assert "certificate-authority" in raised.value.remedy
    assert pauses == []


def test_a_port_where_nobody_listens_is_one_sentence(tmp_path: Path, pauses: list[float]) -> None:
    with (
        api_of(tmp_path, f"http://127.0.0.1:{refusing_port()}", pauses) as api,
        pytest.raises(UnreachableError, match="cannot be reached: Connection refused") as raised,
    ):
        server_version(api)
    assert raised.value.remedy
    assert len(pauses) == 3


def test_a_server_that_trickles_gains_no_time_by_it(state: Cluster, cluster: kube_config.Cluster) -> None:
    for number in range(50):
        state.put(PODS, objects.pod("team", f"web-{number}"))
    state.fault(Fault(PATH, bytes_per_second=100, times=None))
    begun = time.monotonic()
    with (
        Api(cluster, Patience(timeout=0.4, tries=1)) as api,
        pytest.raises(UnreachableError, match=r"did not answer in 0\.4 s"),
    ):
        api.get(PATH, RIGHT)
    assert time.monotonic() - begun < PATIENCE


def test_an_answer_without_end_is_cut_off(state: Cluster, cluster: kube_config.Cluster) -> None:
    for number in range(50):
        state.put(PODS, objects.pod("team", f"web-{number}"))
    with (
        Api(cluster, Patience(largest_bytes=1000)) as api,
        pytest.raises(AnswerError, match="answered more than 0 MiB"),
    ):
        api.get(PATH, RIGHT)


@pytest.mark.parametrize("said", [b"", b"{}", b"<html>", b"\xff", b'{"items":5}', b"[" * 100_000])
def test_an_answer_that_is_not_kubernetes_is_one_sentence(api: Api, state: Cluster, said: bytes) -> None:
    state.fault(Fault("/version", body=said))
    decoder = msgspec.json.Decoder(dict[str, str])
    if said == b"{}":
        assert api.get_as(decoder, "/version", RIGHT) == {}
        return
    with pytest.raises(AnswerError, match="is not Kubernetes"):
        api.get_as(decoder, "/version", RIGHT)


def test_what_does_not_speak_http_is_one_sentence(tmp_path: Path, pauses: list[float]) -> None:
    with (
        listening(saying(b"SSH-2.0-OpenSSH\r\n")) as port,
        api_of(tmp_path, f"http://127.0.0.1:{port}", pauses) as api,
        pytest.raises(UnreachableError, match="cannot be reached") as raised,
    ):
        server_version(api)
    assert "\n" not in str(raised.value)


def test_a_host_that_accepts_and_says_nothing_is_given_up(tmp_path: Path, pauses: list[float]) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        api_of(tmp_path, f"https://127.0.0.1:{silent.getsockname()[1]}", pauses) as api,
        pytest.raises(UnreachableError, match=r"did not answer in 0\.3 s"),
    ):
        server_version(api)


def test_a_kubeconfig_that_trusts_anybody_causes_no_warning(state: Cluster, tmp_path: Path) -> None:
    script = """
import sys
from memcollect.sources.api import Api
from memcollect.sources.kube_config import connect
from memcollect.sources.version import server_version
with Api(connect(sys.argv[1])) as api:
    print(server_version(api).minor)
"""
    with StandInCluster(state, https=True) as server:
        path = Path(kubeconfig(tmp_path, server.url))
        path.write_text(path.read_text().replace('"server"', '"insecure-skip-tls-verify": true, "server"'))
        command = [sys.executable, "-c", script, str(path)]
        result = children.run(command, check=True)
    assert (result.stdout, result.stderr) == ("36\n", "")
