import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from memcollect.testing import __main__ as program


def test_it_serves_until_it_is_told_to_stop(tmp_path: Path, quiet_cluster: Path) -> None:
    config = tmp_path / "config"
    command = [sys.executable, "-m", "memcollect.testing", "--recording", str(quiet_cluster)]
    with subprocess.Popen(
        [*command, "--kubeconfig", str(config)], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        url = running.stdout.readline().strip()
        assert json.loads(config.read_text())["clusters"][0]["cluster"]["server"] == url
        with urllib.request.urlopen(f"{url}/api/v1/nodes", timeout=5) as answer:  # noqa: S310 - our own URL
            assert len(json.load(answer)["items"]) == 1
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0


def test_a_forward_is_read_from_the_right() -> None:
    assert program.forwarding("team/a:8080=127.0.0.1:9") == ("team", "a", 8080, ("127.0.0.1", 9))


@pytest.mark.parametrize("text", ["", "team/a=h:1", "a:1=h:1", "team/a:x=h:1", "team/a:1=h"])
def test_a_forward_that_names_nothing_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="NAMESPACE/POD:PORT"):
        program.forwarding(text)
