"""`scripts/evidence-docker` with a Docker, a Python and a server that are as a test says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from worlds.children import lives, run

SCRIPT = Path(__file__).parents[1] / "scripts" / "evidence-docker"
LISTENS = f"""#!{sys.executable}
import os, pathlib, socket, sys, time, tomllib
told = tomllib.loads(pathlib.Path(sys.argv[2]).read_text())
pathlib.Path("server").write_text(f"{{os.getpid()}} {{told['runtime']['execd_image']}}")
server = socket.create_server((told["server"]["host"], told["server"]["port"]))
time.sleep(600)
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of programs, first on PATH; all is there, until a test changes it."""
    found = tmp_path / "bin"
    found.mkdir()
    add(found, "docker", "#!/bin/sh\n")
    add(found, "python", '#!/bin/sh\n[ "$1" = -c ] || { echo "it is no Python" >&2; exit 1; }\n')
    add(found, "opensandbox-server", LISTENS)
    monkeypatch.setenv("PATH", f"{found}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHON", str(found / "python"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    return found


def add(programs: Path, name: str, text: str) -> None:
    (programs / name).write_text(text)
    (programs / name).chmod(0o755)


def script() -> "subprocess.CompletedProcess[str]":
    return run([sys.executable, SCRIPT, "--rows", "files"])


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("docker", "exit 1", "No Docker answers. Start it, or set DOCKER_HOST."),
        (
            "docker",
            '[ "$1" = info ]',
            "Docker has no image opensandbox/execd:v1.1.0. Pull it, or set EXECD to",
        ),
        ("python", "exit 1", "has not both opensandbox-server and opensandbox. Install them with pip"),
        ("opensandbox-server", "echo no such key; exit 1", "opensandbox-server did not start: no such key"),
    ],
)
def test_what_lacks_is_one_sentence(name: str, text: str, said: str, programs: Path) -> None:
    add(programs, name, f"#!/bin/sh\n{text}\n")
    done = script()
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert said in done.stderr
    assert not Path("evidence-docker").exists()


def test_the_server_is_started_as_it_is_told_and_ends_with_the_run(programs: Path) -> None:
    del programs
    done = script()
    assert done.returncode == 1
    assert "The driver opensandbox did not start: it is no Python" in done.stderr
    pid, execd = Path("server").read_text().split()
    assert execd == "opensandbox/execd:v1.1.0"
    assert not lives(int(pid))
