"""Which cluster a command asks, and what is said before it does."""

from pathlib import Path

import pytest

from memcollect.commands import connection
from memcollect.commands.connection import ConnectionOptions
from memcollect.testing import kubeconfig


@pytest.mark.parametrize(
    ("server", "token", "warnings"),
    [
        ("http://10.0.0.7:6443", "a-token-of-ours", 1),
        ("http://10.0.0.7:6443", None, 0),
        ("https://10.0.0.7:6443", "a-token-of-ours", 0),
        ("http://127.0.0.1:6443", "a-token-of-ours", 0),
    ],
)
def test_credentials_that_would_leave_the_machine_unencrypted_are_told_once(
    server: str, token: str | None, warnings: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    connection._warn_of_exposure.cache_clear()
    config = kubeconfig.write(tmp_path / "config", server, authority=None, token=token)
    options = ConnectionOptions(
        context=None,
        kubeconfig=str(config),
        concurrency=1,
        agent_namespace="memcollect",
        agent_selector="app=agent",
        agent_port=7070,
    )
    assert options.cluster.server == options.cluster.server == server
    said = capsys.readouterr().err
    assert said.count("warning: the credentials of") == warnings
    assert said.count(f"would go to {server} unencrypted") == warnings
    assert "a-token-of-ours" not in said
