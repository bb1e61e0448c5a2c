"""What a server repeats of the secrets it was sent is neither shown nor kept, whatever the command."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from memcollect.commands.run import run
from memcollect.profile.sandboxes import cleanup
from memcollect.secrecy import MASK
from memcollect.testing import kubeconfig
from worlds import own_shell
from worlds.interfaces import interfaces
from worlds.profile_stage import POD, TEMPLATE, staged
from worlds.repeating_server import Repeating, repeating

TOKEN = "tok-9f8e7d6c5b4a-the-clusters-own-0123456789" * 20
KEY = "key-1a2b3c4d5e6f-of-the-provisioner"
PIECE = 12
FAKE_DEERFLOW = Path(__file__).parents[2] / "worlds" / "fake_deerflow"
SOURCE = """
[source]
kind = "provisioner"
namespace = "deer-flow"
ready_within = "1s"
request_timeout = "1s"
headers = {{ X-API-Key = "STAGE_KEY" }}
create = {{ url = "{url}/make/{{id}}" }}
delete = {{ method = "DELETE", url = "{url}/{{id}}" }}
"""
PHASE = '[[phases]]\nname = "empty"\ndo = "nothing"\n'
PLAN = 'name = "small"\nrepeats = 1\n' + SOURCE + PHASE
SELECTED = '[source]\nkind = "selector"\nnamespace = "deer-flow"\nselector = "app=x"\nready_within = "1s"\n'
COMMANDS = {
    "snapshot": ["snapshot", "-A"],
    "snapshot to a file": ["snapshot", "-A", "--format", "json", "-o", "{dir}/s.json"],
    "top": ["top", "-A", "--once"],
    "node": ["node", "node-1"],
    "doctor": ["doctor"],
    "doctor as JSON": ["doctor", "--format", "json"],
    "profile": ["profile", "{dir}/plan.toml", "-o", "{dir}/run"],
    "evidence": ["evidence", "{dir}/source.toml", "-o", "{dir}/run"],
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repeating]:
    monkeypatch.setattr(cleanup, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setenv("STAGE_KEY", KEY)
    monkeypatch.setenv("STAGE_GATEWAY", f"Bearer {KEY[::-1]}")
    with repeating() as found:
        yield found


def leaks(directory: Path, shown: str, secrets: list[str]) -> list[str]:
    """Return where a secret, or a piece of one, stands: on a stream, or in a file that was written."""
    texts = {"shown": shown}
    texts |= {str(file): file.read_text(errors="replace") for file in directory.rglob("*") if file.is_file()}
    pieces = [piece for each in secrets for piece in (each[:PIECE], each[-PIECE:])]
    return [name for name, text in texts.items() if any(piece in text for piece in pieces)]


@pytest.mark.parametrize(("status", "form"), [(401, "Status"), (403, "page"), (404, "Status"), (422, "page")])
@pytest.mark.parametrize("name", COMMANDS)
def test_an_api_server_that_repeats_the_token(  # noqa: PLR0913, PLR0917 # each is a dimension
    server: Repeating, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, status: int, form: str
) -> None:
    server.status, server.form = status, form
    (tmp_path / "plan.toml").write_text(f'name = "small"\nrepeats = 1\n{SELECTED}{PHASE}')
    (tmp_path / "source.toml").write_text(SELECTED)
    config = kubeconfig.write(tmp_path / "config", server.url, authority=None, token=TOKEN)
    words = [each.format(dir=tmp_path) for each in COMMANDS[name]]
    run([*words, "-v", "--kubeconfig", str(config)], "memcollect")
    config.unlink()
    out, err = capsys.readouterr()
    assert any(TOKEN in each for each in server.heard)
    assert leaks(tmp_path, out + err, [TOKEN]) == []
    assert MASK in out + err
    assert "Traceback" not in err


def test_a_server_that_speaks_no_http_but_the_token(
    server: Repeating, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.form = "text"
    config = kubeconfig.write(tmp_path / "config", server.url, authority=None, token=TOKEN)
    run(["snapshot", "-A", "-v", "--kubeconfig", str(config)], "memcollect")
    config.unlink()
    out, err = capsys.readouterr()
    assert leaks(tmp_path, out + err, [TOKEN]) == []
    assert MASK in err


@pytest.mark.parametrize("form", ["Status", "page", "text"])
def test_a_provisioner_that_repeats_its_key_leaves_it_in_no_bundle(
    server: Repeating, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    server.form = form
    (tmp_path / "bundles").mkdir()
    with staged(tmp_path) as (_, options):
        (tmp_path / "plan.toml").write_text(PLAN.format(url=server.url))
        run(
            ["profile", str(tmp_path / "plan.toml"), "-o", str(tmp_path / "bundles/a"), "-v", *options],
            "memcollect",
        )
        (tmp_path / "source.toml").write_text(SOURCE.format(url=server.url))
        run(
            [
                "evidence",
                str(tmp_path / "source.toml"),
                "--rows",
                "Files",
                "-o",
                str(tmp_path / "bundles/b"),
                *options,
            ],
            "memcollect",
        )
    out, err = capsys.readouterr()
    assert any(KEY in each for each in server.heard)
    assert leaks(tmp_path / "bundles", out + err, [KEY]) == []
    assert MASK in (tmp_path / "bundles/a/manifest.json").read_text()
    assert MASK in (tmp_path / "bundles/a/events.jsonl").read_text()
    assert "Traceback" not in err


def test_a_gateway_that_repeats_its_header_leaves_it_in_no_evidence(
    server: Repeating, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bundles").mkdir()
    gateway = (
        f'[evidence]\ngateway = "{server.url}"\ngateway_headers = {{ Authorization = "STAGE_GATEWAY" }}\n'
    )
    with staged(tmp_path) as (stage, options):
        stage.add_pod("s", {"app": "x"})
        (tmp_path / "source.toml").write_text(SELECTED + gateway)
        words = ["evidence", str(tmp_path / "source.toml"), "--rows", "Uploads,Artifacts"]
        run([*words, "-o", str(tmp_path / "bundles/b"), "-v", *options], "memcollect")
        run(["evidence", "--show", str(tmp_path / "bundles/b"), "--format", "html"], "memcollect")
    out, err = capsys.readouterr()
    assert any(KEY[::-1] in each for each in server.heard)
    assert leaks(tmp_path / "bundles", out + err, [KEY[::-1]]) == []


@pytest.mark.parametrize("driver", ["exec", "aio", "deerflow"])
def test_a_sandbox_whose_every_command_repeats_what_was_sent(
    driver: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = f"of-a-file-{KEY[::-1]}"
    # DeerFlow's own provider is tried without the cluster, whose token nobody reads then and nobody is sent.
    secrets = [KEY, loaded] if driver == "deerflow" else [TOKEN, KEY]
    shell = own_shell.repeating(tmp_path, *secrets)
    deerflow, bundle = tmp_path / "deerflow", tmp_path / "bundles" / "a"
    deerflow.mkdir()
    bundle.parent.mkdir()
    (deerflow / "variables.json").write_text(json.dumps({"DEERFLOW_API_KEY": loaded}))
    monkeypatch.setenv("PATH", own_shell.before_others(shell)["PATH"])
    monkeypatch.setenv("FAKE_DEERFLOW", str(deerflow))
    monkeypatch.setenv("PYTHONPATH", str(FAKE_DEERFLOW))
    monkeypatch.setenv("STAGE_GATEWAY", KEY)
    (tmp_path / "pod.yaml").write_text(POD)
    (tmp_path / "source.toml").write_text(
        f"{TEMPLATE}[evidence]\n"
        f'command = [{sys.executable!r}]\ngateway = "http://127.0.0.1:9"\n'
        'gateway_headers = { X-Key = "STAGE_GATEWAY" }\n'
    )
    (tmp_path / "stage").mkdir()
    with staged(tmp_path / "stage") as (stage, options), interfaces(stage, tmp_path, dict(os.environ)):
        stage.programs["sh"] = str(shell / "sh")
        config = Path(options[1])
        document = json.loads(config.read_bytes())
        document["users"][0]["user"] = {"token": TOKEN}
        config.write_text(json.dumps(document))
        words = ["evidence", str(tmp_path / "source.toml"), "--driver", driver, "--rows", "commands"]
        run([*words, "-v", "-o", str(bundle), *options], "memcollect")
        run(["evidence", "--show", str(bundle), "--format", "html"], "memcollect")
        assert stage.pods() == []
    out, err = capsys.readouterr()
    assert leaks(bundle.parent, out + err, secrets) == []
    assert MASK in (bundle / "evidence" / "evidence.json").read_text()
    assert MASK in out
    assert "Traceback" not in err


@pytest.mark.parametrize("way", ["a driver's program", "a kubeconfig's plugin"])
def test_a_program_that_is_started_and_repeats_its_environment(
    way: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGE_DB_PASSWORD", KEY)
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\necho "it says $STAGE_DB_PASSWORD of no use" >&2\nexit 3\n')
    program.chmod(0o755)
    if way == "a driver's program":
        (tmp_path / "source.toml").write_text(
            f'backend = "e2b"\n[source]\nkind = "e2b"\n[evidence]\ncommand = ["{program}"]\n'
        )
        words = ["evidence", str(tmp_path / "source.toml"), "--rows", "Commands", "-o", str(tmp_path / "run")]
    else:
        user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program)}}
        user["exec"]["interactiveMode"] = "Never"
        config = tmp_path / "config"
        config.write_text(
            '{"apiVersion": "v1", "kind": "Config", "current-context": "c",'
            '"clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],'
            '"contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],'
            f'"users": [{{"name": "u", "user": {json.dumps(user)}}}]}}'
        )
        words = ["snapshot", "-A", "-v", "--kubeconfig", str(config)]
    assert run(words, "memcollect") in {1, 3}
    out, err = capsys.readouterr()
    assert f"it says {MASK}" in out + err
    assert leaks(tmp_path, out + err, [KEY]) == []
