"""Every parser and decoder is a target, takes its seeds, and takes what the fuzzer makes of them."""

import inspect
import pkgutil
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from fuzz import agent_targets, forking
from fuzz.results import Result, judged, told
from fuzz.target import Target
from fuzz.targets import TARGETS
from memcollect_agent import parse
from worlds.children import run

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"

LONGEST_SECONDS = 1200.0
"""Half a minute's work on two CPUs that are busy with ten other things."""

guided = pytest.mark.skipif(forking.unavailable() is not None, reason=str(forking.unavailable()))

DECODERS = {
    "agent/memcollect_agent/serve/bodies.py": "request",
    "collector/memcollect/documents/bundle.py": "bundle",
    "collector/memcollect/documents/events.py": "events",
    "collector/memcollect/documents/files.py": "snapshot",
    "collector/memcollect/documents/yaml_value.py": "yaml",
    "collector/memcollect/documents/stored.py": "snapshot-stored",
    "collector/memcollect/evidence/document.py": "evidence",
    "collector/memcollect/profile/evidence/operations.py": "kubernetes.pods",
    "collector/memcollect/profile/plan/parse.py": "plan",
    "collector/memcollect/recording/archive.py": "recording",
    "collector/memcollect/services/table.py": "services",
    "collector/memcollect/sources/access.py": "kubernetes.refusal",
    "collector/memcollect/sources/agent_http.py": "answer.sample",
    "collector/memcollect/sources/api.py": "kubernetes.pods",
    "collector/memcollect/sources/exec.py": "kubernetes.exec",
    "collector/memcollect/sources/metrics.py": "kubernetes.pod-metrics",
    "collector/memcollect/sources/node_metrics.py": "kubernetes.node-metrics",
    "collector/memcollect/sources/nodes.py": "kubernetes.nodes",
    "collector/memcollect/sources/pages.py": "kubernetes.pods",
    "collector/memcollect/sources/pod_lifecycle.py": "kubernetes.pods",
    "collector/memcollect/sources/pods.py": "kubernetes.pods",
    "collector/memcollect/sources/refusals.py": "kubernetes.refusal",
    "collector/memcollect/sources/top_file.py": "tops",
    "collector/memcollect/sources/version.py": "kubernetes.refusal",
    "collector/memcollect/taking/runtime_names.py": "names-of-runtimes",
    "collector/memcollect/trying/drivers/aio.py": "sandbox-answer",
    "collector/memcollect/trying/drivers/program.py": "sandbox-answer",
}
"""Which target decodes what the module does, or the same way: JSON into structs, refused in one sentence."""
DECODES = re.compile(
    r"msgspec\.(?:json|msgpack|toml)\.(?:decode|Decoder)|msgspec\.convert|tomllib|json\.loads|yaml\.parse"
)


def test_every_parser_of_a_kernel_file_is_a_target() -> None:
    found = {
        f"{module.name}.{name}"
        for module in pkgutil.iter_modules(parse.__path__)
        for name, function in inspect.getmembers(import_module(f"{parse.__name__}.{module.name}"))
        if inspect.isfunction(function)
        and name.startswith("parse")
        and function.__module__.endswith(module.name)
    }
    covered = {
        f"{each.__module__.rpartition('.')[2]}.{each.__name__}" for _, each, _ in agent_targets.PARSERS
    }
    assert found - covered == {"pid_stat.parse", "status.parse"}
    assert {"parse.pid_stat", "parse.status"} <= TARGETS.keys()


def test_what_decodes_is_named_with_a_target_that_there_is() -> None:
    for module, target in DECODERS.items():
        assert DECODES.search((ROOT / module).read_text()), module
        assert target in TARGETS


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_it_takes_its_seeds(target: Target) -> None:
    seeds = [*target.seeds(), b""]
    assert len(seeds) > 1 or target.most_bytes == 24
    for seed in seeds:
        target.run(seed)


@pytest.mark.fuzz
@pytest.mark.timeout(LONGEST_SECONDS + 60)
@guided
def test_the_fuzzer_finds_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-m", "fuzz", "--inputs", "1000", "--minutes", "0.5"]
    done = run(command, cwd=TESTS, timeout=LONGEST_SECONDS)
    with capsys.disabled():
        sys.stdout.write(f"\n{done.stdout}")
    assert done.returncode == 0, done.stderr[-4000:]
    assert f"{len(TARGETS)} targets" in done.stdout


PLANTED = """
import sys
from pathlib import Path
from fuzz import forking
from fuzz.target import Target
forking.HANG_SECONDS = 1
forking.instrumented()
def raises(data):
    if data[:2] == b"ab":
        raise LookupError("planted")
def hangs(data):
    while data:
        pass
targets = [Target(name=each.__name__, run=each) for each in (raises, hangs)]
run = forking.Run(folder=Path(sys.argv[1]), inputs=10_000_000, seconds=60)
for result in forking.fuzzed(targets, run, 2):
    print(result.target, result.fault)
"""


@pytest.mark.fuzz
@pytest.mark.timeout(LONGEST_SECONDS + 60)
@guided
def test_the_fuzzer_finds_what_was_planted(tmp_path: Path) -> None:
    done = run(
        [sys.executable, "-c", PLANTED, str(tmp_path)],
        cwd=TESTS,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        timeout=LONGEST_SECONDS,
    )
    hung, raised = sorted(done.stdout.splitlines())
    assert hung.startswith("hangs timeout")
    assert raised == "raises LookupError: planted"
    assert (tmp_path / "raises" / "crash-input").read_bytes()[:2] == b"ab"
    assert list((tmp_path / "hangs").glob("timeout-*"))


def test_a_process_that_was_ended_or_died_without_a_word_is_a_fault() -> None:
    words = "#2\tINITED cov: 3 ft: 3\n#4096\tpulse  cov: 17 ft: 20\n"
    assert judged("a", words, None, 9.0).fault == "it did not end in time"
    died = judged("a", words, -11, 9.0)
    assert (died.inputs, died.places, died.fault) == (4096, 17, "it ended with -11")
    assert told([died]).endswith("1 targets, 4,096 inputs, 1 with a fault\n")


def test_a_target_that_took_fewer_inputs_than_were_asked_for_is_named() -> None:
    took = {"few": 4095, "enough": 4096, "more": 5000}
    results = [Result(target=name, inputs=inputs, places=1, seconds=1.0) for name, inputs in took.items()]
    assert told(results, 4096).endswith("\n2 of 3 took the 4,096 asked for; fewer took few\n")
    assert told(results[1:], 4096).endswith("2 targets, 9,096 inputs, 0 with a fault\n")


def test_without_atheris_it_says_so_and_that_is_no_success() -> None:
    hidden = "import sys; sys.modules['atheris'] = None; from fuzz import __main__ as m; sys.exit(m.main([]))"
    done = run([sys.executable, "-c", hidden], cwd=TESTS)
    assert done.returncode == 2
    assert "atheris is not installed" in done.stderr
