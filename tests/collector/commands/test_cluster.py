import io
import sys
from pathlib import Path
from typing import Any

import pytest

from memcollect.commands.cluster import progress_line
from memcollect.commands.connection import PodOptions
from memcollect.commands.default_pods import DEFAULT_NAMESPACE, DEFAULT_SELECTOR
from memcollect.commands.run import run
from memcollect.errors import UsageError
from memcollect.sources.pods import Selection


def chosen(names: tuple[str, ...] = (), **given: Any) -> Selection:
    return PodOptions(pods=names, **given).selection


def test_the_defaults_are_the_profile_scripts() -> None:
    assert chosen() == Selection(namespaces=[DEFAULT_NAMESPACE], selector=DEFAULT_SELECTOR)
    assert (DEFAULT_NAMESPACE, DEFAULT_SELECTOR) == ("deer-flow", "app=deer-flow-sandbox")


def test_another_namespace_keeps_the_selector() -> None:
    assert chosen(namespaces=("a", "b")) == Selection(namespaces=["a", "b"], selector=DEFAULT_SELECTOR)


def test_all_namespaces_and_named_pods_drop_it() -> None:
    assert chosen(all_namespaces=True) == Selection()
    assert chosen(("p",)) == Selection(namespaces=[DEFAULT_NAMESPACE], names=["p"])


def test_a_selector_that_is_given_is_taken_everywhere_and_an_empty_one_is_none() -> None:
    assert chosen(all_namespaces=True, selector="a=b").selector == "a=b"
    assert chosen(("p",), selector="a=b").selector == "a=b"
    assert chosen(selector="").selector is None


def test_all_namespaces_beside_some_is_a_contradiction() -> None:
    with pytest.raises(UsageError, match="contradict"):
        chosen(all_namespaces=True, namespaces=("a",))


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_goes_to_a_terminal_only_and_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, expected in (
        (_Terminal(), "\r\x1b[Kmemcollect: asking agents 3/7 \r\x1b[K"),
        (io.StringIO(), ""),
    ):
        monkeypatch.setattr(sys, "stderr", stream)
        with progress_line() as progress:
            progress("asking agents", 3, 7)
        assert stream.getvalue() == expected


def test_the_terminal_is_restored_when_something_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream := _Terminal())

    def interrupted() -> None:
        with progress_line() as progress:
            progress("listing pods", 0, 0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert stream.getvalue() == "\r\x1b[Kmemcollect: listing pods \r\x1b[K"


def test_an_option_that_is_wrong_is_told_before_any_cluster_is_looked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "old").write_text("old")
    assert run(["snapshot", "-o", str(tmp_path / "old"), "--kubeconfig", "/no/such"], "memcollect") == 2
    assert "--force" in capsys.readouterr().err
