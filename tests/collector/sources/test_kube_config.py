import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import ApiClient

from memcollect.errors import KubeConfigError
from memcollect.sources import kube_config
from memcollect.sources.kube_config import IN_CLUSTER, connect

Write = Callable[..., str]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An engineer's empty home, and no cluster around."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    return tmp_path


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(
        user: dict[str, Any] | None = None, name: str = "config", context: str = "here", **more: Any
    ) -> str:
        path = tmp_path / name
        document = {
            "clusters": [{"name": "c", "cluster": {"server": f"http://{context}.invalid/prefix/"}}],
            "users": [{"name": "u", "user": user or {}}],
            "contexts": [{"name": context, "context": {"cluster": "c", "user": "u"}}],
            "current-context": context,
            **more,
        }
        path.write_text(json.dumps(document))
        return str(path)

    return write


def program(folder: Path, script: str) -> str:
    path = folder / "plugin"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def exec_user(command: str) -> dict[str, Any]:
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": command}}


def test_the_current_context_is_taken_and_the_servers_path_kept(write: Write) -> None:
    cluster = connect(write())
    assert (cluster.context, cluster.server) == ("here", "http://here.invalid/prefix")
    assert cluster.authorization() is None


def test_a_token_becomes_the_authorization(write: Write) -> None:
    assert connect(write({"token": "t"})).authorization() == "Bearer t"


def test_the_line_end_of_a_token_file_does_not_break_the_header(write: Write, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t\n")
    assert connect(write({"tokenFile": str(tmp_path / "token")})).authorization() == "Bearer t"


def test_the_environment_names_several_files_of_which_some_may_be_missing(
    write: Write, tmp_path: Path
) -> None:
    one, two = write(name="one", context="first"), write(name="two", context="second")
    environ = {"KUBECONFIG": f"{tmp_path}/missing:{one}:{two}"}
    assert connect(environ=environ).origin == environ["KUBECONFIG"]
    assert connect(environ=environ, context="second").context == "second"


def test_the_file_in_the_home_is_the_default(write: Write, home: Path) -> None:
    (home / ".kube").mkdir()
    write(name=".kube/config")
    assert connect(environ={}).server == "http://here.invalid/prefix"


def test_an_exec_plugin_gives_the_credentials(write: Write, tmp_path: Path) -> None:
    said = '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"x"}}'
    cluster = connect(write(exec_user(program(tmp_path, f"echo '{said}'"))))
    assert cluster.authorization() == "Bearer x"


def test_a_plugin_whose_token_is_about_to_end_is_not_run_for_every_request(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = tmp_path / "runs"
    cluster = connect(write(exec_user(program(tmp_path, about_to_end(runs)))))
    clock = [100.0]
    monkeypatch.setattr(kube_config, "monotonic", lambda: clock[0])
    clients = [cluster.client() for _ in range(5)]
    said = [cluster.authorization(), *(settings(client) for client in clients)]
    assert said == ["Bearer t2"] * 6
    clock[0] += 1.0
    assert [cluster.authorization(), *map(settings, clients)] == ["Bearer t3"] * 6
    assert runs.read_text() == "x" * 3


def about_to_end(runs: Path) -> str:
    """Return a plugin's script: it counts its runs, and each time gives another token for two minutes."""
    version = '"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential"'
    return f"""
printf x >> {runs}
end=$(date -u -d '+2 minutes' +%Y-%m-%dT%H:%M:%SZ)
printf '{{{version},"status":{{"token":"t%s","expirationTimestamp":"%s"}}}}' "$(wc -c < {runs})" "$end"
"""


def settings(client: ApiClient) -> str:
    """Return what a client's request would carry."""
    return str(client.configuration.auth_settings()["BearerToken"]["value"])


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'log in first' >&2; exit 3", "log in first"),
        ("echo nonsense", "failed to decode"),
        ("echo '{}'", "malformed"),
    ],
)
def test_an_exec_plugin_that_fails_is_reported_with_what_it_said(
    write: Write, tmp_path: Path, script: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KubeConfigError, match=said) as raised:
        connect(write(exec_user(program(tmp_path, script))))
    assert "gave no credentials" in raised.value.sentence
    assert raised.value.remedy
    assert capfd.readouterr() == ("", "")


def test_an_exec_plugin_that_is_not_installed_is_reported(write: Write, tmp_path: Path) -> None:
    with pytest.raises(KubeConfigError, match=r"gave no credentials.*No such file"):
        connect(write(exec_user(str(tmp_path / "absent"))))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("{", "neither YAML nor JSON: line"),
        ("a: b: c", "neither YAML nor JSON: line"),
        ("just words", "not a kubeconfig"),
        ("[1, 2]", "not a kubeconfig"),
        ("clusters: 5", "not a kubeconfig"),
        ("contexts: []", "names no current context"),
        ("\x00\x01", "neither YAML nor JSON"),
    ],
)
def test_a_broken_kubeconfig_is_one_sentence(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(KubeConfigError, match=problem) as raised:
        connect(str(path))
    assert raised.value.sentence.count("\n") == 0
    assert raised.value.remedy


def test_bytes_that_are_no_text_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "config").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(KubeConfigError, match="neither YAML nor JSON"):
        connect(str(tmp_path / "config"))


@pytest.mark.parametrize("server", ["http://[", "nonsense", "ftp://127.0.0.1", "https://", "/etc"])
def test_an_address_that_is_none_is_one_sentence(write: Write, server: str) -> None:
    with pytest.raises(KubeConfigError) as raised:
        connect(write(clusters=[{"name": "c", "cluster": {"server": server}}]))
    assert "\n" not in str(raised.value)
    assert raised.value.remedy


def test_a_missing_certificate_is_named(write: Write) -> None:
    cluster = {"server": "https://c.invalid", "certificate-authority": "/nowhere/ca.crt"}
    with pytest.raises(KubeConfigError, match=r"/nowhere/ca\.crt"):
        connect(write(clusters=[{"name": "c", "cluster": cluster}]))


def test_a_context_that_does_not_exist_is_answered_with_those_that_do(write: Write) -> None:
    with pytest.raises(KubeConfigError, match="has no context 'there'") as raised:
        connect(write(), "there")
    assert "here" in raised.value.remedy


@pytest.mark.parametrize("given", ["option", "environment"])
def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: Path, given: str) -> None:
    missing = str(tmp_path / "missing")
    path, environ = (missing, {}) if given == "option" else (None, {"KUBECONFIG": missing})
    with pytest.raises(KubeConfigError, match=r"no kubeconfig at .*missing"):
        connect(path, environ=environ)


def test_without_any_kubeconfig_outside_of_a_pod_there_is_nothing_to_ask() -> None:
    with pytest.raises(KubeConfigError, match="this is not a pod"):
        connect(environ={})
    with pytest.raises(KubeConfigError, match="no kubeconfig to take the context"):
        connect(context="there", environ={"KUBERNETES_SERVICE_HOST": "10.0.0.1"})


def test_in_a_pod_without_a_service_account_token_the_reason_is_given() -> None:
    with pytest.raises(KubeConfigError, match="service account cannot be used"):
        connect(environ={"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"})


def test_in_a_pod_the_service_account_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loader = "kubernetes.config.incluster_config"
    (tmp_path / "token").write_text("t")
    (tmp_path / "ca.crt").write_text("certificate")
    monkeypatch.setattr(f"{loader}.SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(f"{loader}.SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    environ = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    cluster = connect()

    assert (cluster.origin, cluster.server) == (IN_CLUSTER, "https://10.0.0.1:443")
    assert cluster.authorization() == "bearer t"


def test_each_client_has_a_configuration_of_its_own(write: Write) -> None:
    cluster = connect(write({"token": "t"}))
    one, two = cluster.client(), cluster.client()
    assert one.configuration is not two.configuration
    assert one.configuration.auth_settings()["BearerToken"]["value"] == "Bearer t"
