"""The catalogue of texts is as the source has it, and nothing is said that is not in it."""

import click
import pytest

from memcollect.commands import COMMANDS, cli
from texts.adjoining import Adjoining
from texts.catalogue import PLACE, ROOT, all_texts, pages
from texts.spoken import spoken, spoken_in_the_browser


@pytest.fixture(scope="module")
def adjoining() -> Adjoining:
    return Adjoining(all_texts())


def test_the_catalogue_is_as_the_source_has_it() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in PLACE.glob("*.txt")}

    assert pages() == written, "read what the programs say anew: cd tests && python -m texts, and its diff"


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ('say("No pod is left.")', ["No pod is left."]),
        ('say("No pod "\n    "is left.")', ["No pod is left."]),
        ('say(f"{human_bytes(left)} is left")', ["{left} is left"]),
        ("say(f\"{facts['sock']} of {pod.name}: {why()} here\")", ["{sock} of {name}: {why} here"]),
        ("say(f\"{count} process{'' if count == 1 else 'es'} here\")", ["{count} process[|es] here"]),
        ('say("is left" if left else f"{gone} is gone")', ["[is left|{gone} is gone]"]),
        ('say(f"pod{more}" + " is left")', ["pod{more} is left"]),
        ("say(f\"It is {name or 'without a name'}.\")", ["It is {…}.", "without a name"]),
        ('WORDS = {"anon": "anonymous memory", "sock": "sockets"}', ["anonymous memory", "sockets"]),
        ('class A:\n    says = "No pod is left."', ["No pod is left."]),
        ('def f(why: str = "no reason told"): ...', ["no reason told"]),
        ('raise Error(\n    "No pod.",\n    "Name one.")', ["No pod.", "Name one."]),
        ('@click.command("x")\ndef x():\n    """Say what it is."""', ["Say what it is."]),
    ],
)
def test_a_text_is_found_however_it_is_written(source: str, texts: list[str]) -> None:
    assert spoken(source) == texts


@pytest.mark.parametrize(
    "source",
    [
        '"""What this module is for."""',
        'def f():\n    """Return what is left."""',
        'KINDS = {"a key": 1}\n"""What it is good for."""',
        'key = f"stat.{name}"',
        'PATTERN = re.compile("so many words")',
        'WORDS = "so many words".split()',
        'KINDS = {"anon": "shmem"}',
        'left: Literal["what is left"] = 1',
    ],
)
def test_what_nobody_reads_is_no_text(source: str) -> None:
    assert spoken(source) == []


def test_what_the_pages_script_says_is_found() -> None:
    script = 'use("strict"); label.append("Filter by name ", `${count} of ${rows.length} shown`, \'a b\');'

    assert spoken_in_the_browser(script) == ["Filter by name ", "{count} of {length} shown"]


@pytest.mark.parametrize("name", COMMANDS)
def test_all_help_is_in_the_catalogue(name: str, adjoining: Adjoining) -> None:
    whole = click.Context(cli, info_name="memcollect")
    command = cli.get_command(whole, name)
    assert command is not None

    text = command.get_help(click.Context(command, info_name=name, parent=whole))

    assert set(adjoining.strange(" ".join(text.split()))) <= {"message and"}, "besides click's own --help"


@pytest.mark.parametrize(
    "sentence",
    ["This container keeps memory because somebody wants it.", "10 MiB is cache which are dropped."],
)
def test_a_sentence_of_known_words_that_no_text_says_is_found(adjoining: Adjoining, sentence: str) -> None:
    assert adjoining.strange(sentence)


def test_verdicts_are_not_put_together_from_what_other_rooms_say() -> None:
    verdicts = " ".join((ROOT / "tests/collector/cases/verdicts.txt").read_text(encoding="utf-8").split())
    said_elsewhere = [
        text for name, page in pages().items() if name != "explain.txt" for text in page.split("\n")
    ]

    strange = Adjoining(said_elsewhere).strange(verdicts)

    assert len(strange) > 5 * len(Adjoining(all_texts()).strange(verdicts))
