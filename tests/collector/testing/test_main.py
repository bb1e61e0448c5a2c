import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from worlds import children


def test_it_serves_until_it_is_told_to_stop(tmp_path: Path, quiet_cluster: Path) -> None:
    config = tmp_path / "config"
    command = [sys.executable, "-m", "memcollect.testing", "--recording", str(quiet_cluster)]
    with children.Child([*command, "--kubeconfig", str(config)], stdout=subprocess.PIPE) as running:
        url = running.line()
        assert json.loads(config.read_text())["clusters"][0]["cluster"]["server"] == url
        with urllib.request.urlopen(f"{url}/api/v1/nodes", timeout=60) as answer:  # noqa: S310 - our own URL
            assert len(json.load(answer)["items"]) == 1
        running.send_signal(signal.SIGTERM)
        assert running.wait() == 0
