"""The config file, the environment and the command line: which goes before which, and what is no option."""

import json
from pathlib import Path

import click
import pytest

from memcollect.commands import COMMANDS, cli
from memcollect.commands.config import config_path, settings
from memcollect.commands.options import Format
from memcollect.commands.run import run
from worlds import local_tree

NO_TIME = "'2 parsecs' is no length of time: write seconds, or 500ms, 20s, 2m, 1.5h."


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    path = tmp_path / "xdg" / "memcollect" / "config.toml"
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def machine(tmp_path: Path) -> list[str]:
    return [*local_tree.make_machine(tmp_path / "machine"), "--format", "json"]


def sample(machine: list[str], capsys: pytest.CaptureFixture[str], *before: str) -> str:
    assert run([*before, *machine], "memcollect") == 0
    return str(json.loads(capsys.readouterr().out)["sample"])


def test_the_command_line_goes_before_the_environment_before_the_profile_before_all_profiles(
    config: Path, machine: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sample(machine, capsys) == "unspecified"
    config.write_text('sample = "all"\n[profiles.prod]\nsample = "prod"\n')
    assert sample(machine, capsys) == "all"
    assert sample(machine, capsys, "--profile", "prod") == "prod"
    monkeypatch.setenv("MEMCOLLECT_PROFILE", "prod")
    assert sample(machine, capsys) == "prod"
    monkeypatch.setenv("MEMCOLLECT_SAMPLE", "environment")
    assert sample(machine, capsys) == "environment"
    assert sample([*machine, "--sample", "typed"], capsys) == "typed"


def test_the_file_may_name_the_profile_that_is_taken(
    config: Path, machine: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text('profile = "lab"\n[profiles.lab]\nsample = "lab"\n[profiles.prod]\nsample = "prod"\n')
    assert sample(machine, capsys) == "lab"
    assert sample(machine, capsys, "--profile", "prod") == "prod"


def test_every_bad_key_and_value_gets_one_sentence_with_its_place(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(
        'namespce = "x"\ntimeout = "2 parsecs"\n[profiles.prod]\nlocal = "yes"\nnamespace = [1.5, true]\n'
        "context = ['a']\n"
    )
    assert run(["--profile", "prod", "snapshot"], "memcollect") == 2
    first, *others = capsys.readouterr().err.splitlines()
    assert first == (
        f"memcollect: {config}: No option is called 'namespce'. "
        "Did you mean namespace or all-namespaces or agent-namespace?"
    )
    assert others == [
        f"  {config}: timeout does not take '2 parsecs': {NO_TIME}",
        f"  {config}, profile 'prod': local is true or false, not 'yes'.",
        f"  {config}, profile 'prod': namespace takes a value or a list of them, not True.",
        f"  {config}, profile 'prod': context takes a value, not ['a'].",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = [", "{file} is no TOML: "),
        ("\x00", "{file} is no TOML: "),
        ("profiles = 3", "{file}: profiles must be tables. Write [profiles.NAME], and options below it."),
        ("[profiles]\nprod = 3", "{file} has no profile 'prod'."),
        ("[profiles.prd]", "{file} has no profile 'prod'. Did you mean prd?"),
        ("", "{file} has no profile 'prod'. It has none: write [profiles.NAME]."),
    ],
)
def test_a_file_that_cannot_be_taken_is_one_sentence(
    config: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    config.write_text(text)
    assert run(["--profile", "prod", "doctor"], "memcollect") == 2
    told = capsys.readouterr().err
    assert told.startswith("memcollect: " + said.format(file=config))
    assert "Traceback" not in told


def test_a_config_file_that_is_a_directory_or_not_there_is_one_sentence(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["--profile", "prod", "doctor"], "memcollect") == 2
    assert f"There is no profile 'prod': there is no config file at {config}." in capsys.readouterr().err
    config.mkdir()
    assert run(["doctor"], "memcollect") == 2
    monkeypatch.setenv("MEMCOLLECT_CONFIG", str(config / "absent.toml"))
    assert run(["doctor"], "memcollect") == 2
    assert str(config / "absent.toml") in capsys.readouterr().err


def test_what_only_other_commands_take_is_left_be(
    config: Path, machine: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text('baseline = "aio"\nrounds = 3\nsample = "kept"\n')
    assert sample(machine, capsys) == "kept"


@pytest.mark.parametrize("where", ["environment", "file"])
def test_a_format_that_a_command_does_not_have_leaves_it_its_own(
    where: str, config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(config.parent / "absent"))
    if where == "file":
        config.write_text('format = "html"\n')
    else:
        monkeypatch.setenv("MEMCOLLECT_FORMAT", "html")
    assert run(["doctor"], "memcollect") == 1
    assert capsys.readouterr().out.startswith("fail    kubeconfig")
    assert run(["doctor", "--format", "html"], "memcollect") == 2


def test_a_format_that_no_command_has_is_refused_from_anywhere(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEMCOLLECT_FORMAT", "htm")
    assert run(["doctor"], "memcollect") == 2
    monkeypatch.delenv("MEMCOLLECT_FORMAT")
    config.write_text('format = "htm"\n')
    assert run(["doctor"], "memcollect") == 2
    assert f"{config}: format does not take 'htm'" in capsys.readouterr().err


def test_of_n_and_a_the_one_that_was_typed_goes_before_the_one_in_the_file(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(config.parent / "absent"))
    config.write_text("all-namespaces = true\n")
    assert run(["snapshot", "-n", "team"], "memcollect") == 1
    assert "contradict" not in capsys.readouterr().err
    assert run(["snapshot", "-n", "team", "-A"], "memcollect") == 2
    assert "-A and -n contradict each other" in capsys.readouterr().err


def test_a_variable_is_of_one_kind_in_every_command() -> None:
    kinds: dict[str, set[str]] = {}
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        for option in command.params:
            if isinstance(option, click.Option) and isinstance(option.envvar, str):
                kind = f"{type(option.type).__name__} {option.multiple} {option.is_flag}"
                kinds.setdefault(option.envvar, set()).add(kind)
    assert {variable: found for variable, found in kinds.items() if len(found) > 1} == {}
    assert kinds["MEMCOLLECT_FORMAT"] == {f"{Format.__name__} False False"}


def test_the_file_is_where_the_xdg_specification_puts_it() -> None:
    assert config_path({"XDG_CONFIG_HOME": "/c"}) == Path("/c/memcollect/config.toml")
    home = Path("~/.config/memcollect/config.toml").expanduser()
    assert config_path({}) == config_path({"XDG_CONFIG_HOME": "relative"}) == home
    assert config_path({"MEMCOLLECT_CONFIG": "/x.toml", "XDG_CONFIG_HOME": "/c"}) == Path("/x.toml")
    assert settings(None, {"XDG_CONFIG_HOME": "/does/not/exist"}) == []
