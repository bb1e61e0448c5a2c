"""What the shell is told when somebody presses Tab: by the program itself, as the shells start it."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from memcollect.commands import COMMANDS, cli
from worlds import children
from worlds.live_cluster import NODE_6, NODE_7, LiveCluster

PATIENT = "from memcollect.commands import complete as c; c.MOST_SECONDS = c.REQUEST_SECONDS = 60.0; "
"""For a machine that is busy: what is there shall be found, however long it takes."""
PROGRAM = "import sys; from memcollect.__main__ import main; sys.argv = ['memcollect']; sys.exit(main())"
CONTEXTS = """\
apiVersion: v1
kind: Config
current-context: lab
contexts:
- name: lab
  context: {{cluster: lab, user: me}}
- name: prod-west
  context: {{cluster: lab, user: me}}
clusters:
- name: lab
  cluster: {{server: "http://127.0.0.1:{port}"}}
users:
- name: me
  user: {user}
"""


def completed(words: str, environment: dict[str, str], before: str = "", kind: str = "plain") -> list[str]:
    typed = f"memcollect {words}"
    asked = {
        "_MEMCOLLECT_COMPLETE": "bash_complete",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split(" ")) - 1),
    }
    ran = children.run([sys.executable, "-c", before + PROGRAM], env={**os.environ, **environment, **asked})
    assert ran.stderr == ""
    return [line.partition(",")[2] for line in ran.stdout.splitlines() if line.startswith(f"{kind},")]


@pytest.fixture
def away(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A kubeconfig whose cluster takes connections and never says a word."""
    silent = socket.create_server(("127.0.0.1", 0))
    path = tmp_path / "kubeconfig"
    path.write_text(CONTEXTS.format(port=silent.getsockname()[1], user="{}"))
    environment = {"KUBECONFIG": str(path), "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    yield environment
    silent.close()


def test_commands_and_options(away: dict[str, str]) -> None:
    assert completed("sna", away) == ["snapshot"]
    assert "--field-selector" in completed("snapshot --f", away)


def test_whatever_is_a_file_or_a_directory_is_left_to_the_shell() -> None:
    """Of every command, by what its help calls an option's or an argument's value."""
    program = click.Context(cli, info_name="memcollect")
    of_paths = {"FILE", "PATH", "DIR", "BUNDLE", "SNAPSHOT...", "[PATH]...", "SNAPSHOT|POD"}
    left, lost = set(), []
    for name in COMMANDS:
        command = cli.get_command(program, name)
        assert command is not None
        context = click.Context(command, info_name=name, parent=program)
        for parameter in command.params:
            if parameter.metavar in of_paths:
                kinds = {each.type for each in parameter.shell_complete(context, "x/")}
                left.add(parameter.metavar)
                lost += [] if kinds & {"file", "dir"} else [f"{name} {parameter.opts[0]}"]
    assert (lost, left) == ([], of_paths)


def test_plans_and_sources_that_come_with_it_are_offered_beside_files(away: dict[str, str]) -> None:
    assert completed("profile gu", away) == ["guide"]
    assert completed("profile --source gv", away) == completed("evidence gv", away) == ["gvisor"]
    assert completed("profile plans/x", away, kind="file") == ["plans/x"]


def test_contexts_come_from_the_kubeconfig(away: dict[str, str]) -> None:
    assert completed("snapshot --context ", away) == ["lab", "prod-west"]
    assert completed("top --context pr", away) == ["prod-west"]


@pytest.mark.parametrize("words", ["snapshot -n ", "snapshot ", "node "])
def test_a_cluster_that_is_away_offers_nothing_and_says_nothing(words: str, away: dict[str, str]) -> None:
    assert completed(words, away) == []


def test_a_broken_kubeconfig_or_config_file_and_a_noisy_plugin_are_silent(away: dict[str, str]) -> None:
    path = Path(away["KUBECONFIG"])
    version = "client.authentication.k8s.io/v1"
    plugin = f"{{exec: {{apiVersion: {version}, command: sh, args: [-c, 'echo no >&2; exit 1']}}}}"
    path.write_text(CONTEXTS.format(port=1, user=plugin))
    assert completed("snapshot -n ", away) == []
    folder = Path(away["XDG_CONFIG_HOME"]) / "memcollect"
    folder.mkdir()
    (folder / "config.toml").write_text("= no toml")
    path.write_text("a: [1")
    assert completed("snapshot --context ", away) == []
    assert completed("node ", {**away, "KUBECONFIG": "/does/not/exist"}) == []


def test_pods_and_nodes_come_from_the_cluster(live: LiveCluster, tmp_path: Path) -> None:
    cluster = {"KUBECONFIG": live.kubeconfig, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    assert completed("node ", cluster, PATIENT) == [NODE_6, NODE_7]
    own = completed("snapshot ", cluster, PATIENT)
    assert own
    assert completed("snapshot -n deer-flow ", cluster, PATIENT) == own
    assert completed(f"snapshot deer-flow/{own[0]}", cluster, PATIENT) == [f"deer-flow/{own[0]}"]
    assert {name.partition("/")[0] for name in completed("top -A ", cluster, PATIENT)} == {
        *("deer-flow", "memcollect", "team-b")
    }
    assert completed("snapshot -n team-b sandbox", cluster, PATIENT)


def test_the_profile_says_which_namespace(live: LiveCluster, tmp_path: Path) -> None:
    folder = tmp_path / "memcollect"
    folder.mkdir()
    (folder / "config.toml").write_text('[profiles.other]\nnamespace = "team-b"\n')
    cluster = {"KUBECONFIG": live.kubeconfig, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    named = completed("snapshot -n team-b ", cluster, PATIENT)
    assert named
    assert completed("--profile other snapshot ", cluster, PATIENT) == named
