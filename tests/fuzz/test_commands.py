"""Whatever stands on the command line and in the files it names: an exit code and sentences, no traceback."""

import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz.target import OWN_SEEDS, TESTS
from memcollect.commands.run import run
from worlds.agent_trees import recorded

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(900)]

TREE = recorded("cgroupfs-init-tmpfs-kernel-7.2")
ROOTS = {"--cgroup-root": TREE.cgroup, "--proc-root": TREE.proc, "--sys-root": TREE.sys}
TRIED = ("compare", "doctor", "evidence", "explain", "node", "profile", "snapshot", "top")
"""Commands that can be kept from going on for ever, and from booting a kernel."""
KUBECONFIG = b"""apiVersion: v1
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
users: [{name: u, user: {token: abcdefgh}}]
"""
WORDS = st.one_of(
    st.sampled_from(
        *[
            [
                "",
                "-",
                "--",
                "-1",
                "0",
                "1e9",
                "99999999999999999999",
                "nan",
                "inf",
                "1s",
                "10Mi",
                "\x1b[31mx",
                "\u202e",
                "a/b",
                "../..",
                "*",
                "[",
                "%s",
                "{x}",
                "=",
                "a=b",
                "@x",
                "guide",
                "sandbox",
                "n/p",
                "ä" * 300,
                "\udcff",
            ]
        ]
    ),
    st.text(max_size=20).filter(lambda text: "\0" not in text),
)
FILES = {
    "snapshot.json": OWN_SEEDS / "snapshot/one-pod.json",
    "bare.json": OWN_SEEDS / "snapshot/bare.json",
    "plan.toml": TESTS.parent / "plans/guide.toml",
    "source.toml": TESTS.parent / "plans/sources/deerflow.toml",
    "services.toml": TESTS.parent / "collector/memcollect/services/default.toml",
    "tops.json": OWN_SEEDS / "tops/one",
    "evidence.json": OWN_SEEDS / "evidence/b.json",
    "bundle/manifest.json": OWN_SEEDS / "bundle/one-run.json",
}
GOOD: dict[str, Sequence[str]] = {
    "document": ["snapshot.json", "bare.json"],
    "paths": ["snapshot.json", "bundle"],
    "plan": ["plan.toml", "guide"],
    "source": ["source.toml", "gvisor"],
    "--source": ["source.toml"],
    "--show": ["evidence.json", "bundle"],
    "--services": ["services.toml"],
    "--top-file": ["tops.json"],
    "--kubeconfig": ["kubeconfig"],
    "--timeout": ["1s"],
    "--request-timeout": ["1s"],
    "--process-ceiling": ["1Mi"],
    "-o": ["out"],
}
NAMED = (*FILES, "bundle", "kubeconfig", "nothing", "/dev/zero", ".")
EDITS = st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 40), st.binary(max_size=12)), max_size=6)
"""Where, how many bytes go, and what comes in their place."""


def edited(data: bytes, edits: Sequence[tuple[int, int, bytes]]) -> bytes:
    for place, gone, new in edits:
        at = place % (len(data) + 1)
        data = data[:at] + new + data[at + gone :]
    return data


def parameters(name: str) -> list[click.Parameter]:
    command: click.Command = import_module(f"memcollect.commands.{name}").command
    return command.params


def values(parameter: click.Parameter) -> st.SearchStrategy[list[str]]:
    """Return what may be written for a parameter: more often what it takes than something else."""
    head = parameter.opts[0]
    if isinstance(parameter, click.Option) and parameter.is_flag:
        return st.just([head])
    texts = st.one_of(*[st.sampled_from(good_of(parameter))] * 3, st.sampled_from(NAMED), WORDS)
    return texts.map(lambda text: [head, text] if isinstance(parameter, click.Option) else [text])


def good_of(parameter: click.Parameter) -> Sequence[str]:
    if isinstance(parameter.type, click.Choice):
        return [str(each) for each in parameter.type.choices]
    if isinstance(parameter.type, click.IntRange):
        return ["1", "7", "65535"]
    return GOOD.get(parameter.opts[0], ["x", "1s", "1Mi"])


def lines(name: str) -> st.SearchStrategy[list[str]]:
    """Return command lines of a command that measures nothing but the recorded tree, and once."""
    skipped = {*ROOTS, "--log-root", "--interval", "--rounds", "--local", "--check"}
    usable = {each.opts[0]: each for each in parameters(name) if not skipped & set(each.opts)}
    options = {option for each in parameters(name) for option in each.opts}
    local = st.sampled_from([["--local"], ["--local"], []]) if "--local" in options else st.just([])
    needed = [values(usable.pop(each)) for each in ("document", "paths", "plan", "source") if each in usable]
    chosen = st.lists(st.sampled_from(list(usable.values())), max_size=3, unique_by=id).flatmap(
        lambda some: st.tuples(local, *needed, *(values(each) for each in some))
    )
    return chosen.map(lambda parts: [name, *(word for part in parts for word in part), *ending(name)])


def ending(name: str) -> list[str]:
    """Return what keeps a command from the machine's own trees, from a cluster, and from running a plan."""
    options = {option for each in parameters(name) for option in each.opts}
    words = [word for option, root in ROOTS.items() if option in options for word in (option, root)]
    words += ["--log-root", "nothing"] if "--log-root" in options else []
    words += ["--once"] if name == "top" else []
    return [*words, *(["--check"] if name in ("profile", "evidence") else [])]


@contextlib.contextmanager
def folder(edits: Sequence[tuple[int, int, bytes]]) -> Iterator[Path]:
    """Make a folder of files, all with the same edits, and stand in it, with no kubeconfig but its own."""
    before, environment = Path.cwd(), dict(os.environ)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        (place / "bundle").mkdir()
        for name, source in FILES.items():
            (place / name).write_bytes(edited(source.read_bytes(), edits))
        (place / "kubeconfig").write_bytes(edited(KUBECONFIG, edits))
        os.chdir(place)
        os.environ.update(HOME=scratch, KUBECONFIG=str(place / "none"))
        os.environ.pop("KUBERNETES_SERVICE_HOST", None)
        try:
            yield place
        finally:
            os.chdir(before)
            os.environ.clear()
            os.environ.update(environment)


def said(arguments: list[str]) -> tuple[int, str, str]:
    """Run a command; return its exit code, and what it wrote."""
    # As Python makes its own: bytes of arguments that are no UTF-8 are lone surrogates, which stdout refuses.
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    err = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="backslashreplace", write_through=True)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(arguments, "memcollect")
    told = [stream.buffer for stream in (out, err)]
    out_text, err_text = (each.getvalue().decode() for each in told if isinstance(each, io.BytesIO))
    return code, out_text, err_text


@pytest.mark.parametrize("name", TRIED)
def test_it_ends_in_an_exit_code_and_sentences(name: str) -> None:
    ended: dict[int, int] = {}

    @settings(max_examples=25, suppress_health_check=list(HealthCheck))
    @given(lines(name), EDITS)
    def holds(arguments: list[str], edits: list[tuple[int, int, bytes]]) -> None:
        with folder(edits):
            code, out, err = said(arguments)
        ended[code] = ended.get(code, 0) + 1
        assert code in (0, 1, 2, 3), (arguments, err)
        assert "should not happen" not in err, (arguments, err)
        assert "Traceback" not in err, (arguments, err)
        assert out or err or code == 0, arguments
        assert not {"\x1b", "\u202e", "\r"} & {*out, *err}, (arguments, out, err)

    holds()
    sys.stdout.write(f"{name}: exit codes {ended}\n")
