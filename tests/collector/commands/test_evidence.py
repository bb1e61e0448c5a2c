"""`memcollect evidence` as people run it: against an API server, an agent and pods in which commands run."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from memcollect.commands.run import run
from memcollect.testing.sandboxes import aio
from worlds import compare_builders as build
from worlds.children import Child
from worlds.profile_stage import NAMESPACE, POD, TEMPLATE, Stage, staged

SOURCE = f"""
backend = "mine"
{TEMPLATE}[evidence]
declared = {{ upgrade = "drain, then roll" }}
"""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[tuple[Stage, list[str]]]:
    place = tmp_path / "stage"
    place.mkdir()
    (tmp_path / "pod.yaml").write_text(POD)
    (tmp_path / "mine.toml").write_text(SOURCE)
    with staged(place) as staged_:
        yield staged_


def evidence(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = run(["evidence", *words], "memcollect")
    out, err = capsys.readouterr()
    return code, out, err


def verdicts(bundle: Path) -> dict[str, str]:
    document = json.loads((bundle / "evidence" / "evidence.json").read_bytes())
    return {f"{row['row']}/{c['name']}": c["verdict"] for row in document["rows"] for c in row["checks"]}


@pytest.mark.parametrize("driver", ["exec", "aio"])
def test_a_source_is_tried_and_nothing_of_it_is_left(
    driver: str,
    stage: tuple[Stage, list[str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    there, options = stage
    with ExitStack() as stack:
        serve_interfaces(there, stack, tmp_path)
        code, out, err = evidence(
            capsys,
            str(tmp_path / "mine.toml"),
            *("--driver", driver, "--rows", "commands,operations", "-o", str(tmp_path / "out"), *options),
        )
    assert code == 3, err
    found = verdicts(tmp_path / "out")
    assert found["Commands/exit-7"] == found["Commands/stderr"] == "as-expected"
    assert found["Operations/upgrade"] == "as-expected"
    assert found["Operations/storage"] == "not-tried"
    assert {name for name, verdict in found.items() if verdict in {"fails", "differs"}} == set()
    assert there.pods() == []
    first, *_ = out.partition("The ten rows")
    assert "Asked for and not tried" in first
    assert "it is not declared: evidence.declared.storage" in first
    assert (tmp_path / "out" / "report.md").read_text().startswith("# Evidence\n")
    assert f"mine: driver {driver}" in out


def serve_interfaces(stage: Stage, stack: ExitStack, home: Path) -> None:
    """Give every pod that is made an AIO interface on its port 8080."""
    made = stage.state.on_pod_created

    def created(pod: dict[str, Any]) -> None:
        child = stack.enter_context(Child(aio_command(home), stdout=-1))
        stage.state.forward(NAMESPACE, pod["metadata"]["name"], 8080, to=("127.0.0.1", int(child.line())))
        made(pod)

    stage.state.on_pod_created = created


def aio_command(home: Path) -> list[str]:
    import sys  # noqa: PLC0415

    return [sys.executable, "-I", "-S", aio.__file__, "--home", str(home)]


def test_a_driver_whose_package_is_not_there_is_one_sentence_that_names_it(
    stage: tuple[Stage, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, options = stage
    words = ["--driver", "e2b", "--rows", "commands", "-o", str(tmp_path / "out"), *options]
    code, _, err = evidence(capsys, str(tmp_path / "mine.toml"), *words)
    assert code == 1
    assert "The driver e2b did not start: the package e2b is not in the environment of" in err
    assert "install memcollect[e2b] there, or name a Python that has it in evidence.command" in err
    assert "Traceback" not in err


def test_saved_evidence_is_shown_in_every_format(
    stage: tuple[Stage, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, options = stage
    source = str(tmp_path / "mine.toml")
    bundle = str(tmp_path / "out")
    assert evidence(capsys, source, "--rows", "operations", "-o", bundle, *options)[0] == 3
    for format_, beginning in (
        ("table", "mine may not be recommended by the guide's rule; mine: "),
        ("markdown", "# Evidence"),
        ("html", "<!doctype html>"),
        ("json", "{"),
    ):
        code, out, _ = evidence(capsys, "--show", bundle, "--format", format_)
        assert code == 3  # as when it was tried: something could not be asked for
        assert out.lower().startswith(beginning.lower())
    assert all(len(line) <= 80 for line in evidence(capsys, "--show", bundle)[1].splitlines())


def test_it_is_recorded_which_images_the_sandboxes_ran_that_were_tried(
    stage: tuple[Stage, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, options = stage
    bundle = tmp_path / "out"
    evidence(capsys, str(tmp_path / "mine.toml"), "--rows", "operations", "-o", str(bundle), *options)
    document = json.loads((bundle / "evidence/evidence.json").read_bytes())
    assert document["images"] == [{"container": "sandbox", "image": "example/aio", "image_id": "sha256:abc"}]
    assert document["images_unknown"] == ""
    assert "image: sandbox example/aio (abc)" in " ".join(evidence(capsys, "--show", str(bundle))[1].split())


def test_runs_of_one_backend_are_shown_side_by_side_with_the_bundles_they_are_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_ = build.good_pair()[0]
    before = msgspec.structs.replace(run_, evidence=[build.evidence_of("aio", {"Paths": "fails"})])
    twice = msgspec.structs.replace(run_, evidence=[build.evidence_of("aio"), build.evidence_of("aio")])
    old, new = build.write(tmp_path / "old", before), build.write(tmp_path / "new", twice)
    code, out, _ = evidence(capsys, "--show", str(old), "--show", str(new), "--format", "json")
    assert code == 0
    assert json.loads(out)["backends"] == [f"aio ({old})", f"aio ({new}) 1", f"aio ({new}) 2"]


def test_one_bundle_is_shown_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = build.write(tmp_path / "aio", build.good_pair()[0])
    code, _, err = evidence(capsys, "--show", str(bundle), "--show", f"{bundle}/../aio")
    assert (code, err.count("is named twice.")) == (2, 1)


def test_check_says_what_would_be_tried_without_a_cluster(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.toml").write_text(SOURCE)
    code, out, _ = evidence(capsys, str(tmp_path / "mine.toml"), "--check", "--rows", "files")
    assert code == 0
    assert "checks of Files [" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Give a SOURCE"),
        (["deerflow", "--rows", "memory"], "'memory' is no row; there are Commands"),
        (["no-such-source"], "no source of that name comes with memcollect"),
        (["--show", "nowhere"], "nowhere"),
    ],
)
def test_bad_input_gets_one_sentence(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = evidence(capsys, *words)
    assert code in {1, 2}
    assert said in err
    assert "Traceback" not in err
