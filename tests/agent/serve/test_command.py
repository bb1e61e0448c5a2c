import argparse

import pytest

from memcollect_agent.__main__ import main
from memcollect_agent.serve import command
from memcollect_agent.serve.addresses import Address


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_options(parser)
    return parser.parse_args(arguments)


def test_by_default_only_health_is_on_the_pod_network() -> None:
    options = parsed()
    assert (options.listen, options.health_listen) == (Address("127.0.0.1", 7070), Address("0.0.0.0", 7071))  # noqa: S104
    assert (options.history, options.history_interval, options.history_depth) == ("on", 2.0, 61)


def test_the_health_port_can_be_left_out() -> None:
    assert parsed("--health-listen", "off").health_listen is None


@pytest.mark.parametrize(
    "arguments",
    [
        ["--listen", "localhost:7070"],
        ["--listen", "off"],
        ["--health-listen", "x"],
        ["--history", "maybe"],
        ["--history-interval", "0"],
        ["--history-interval", "nan"],
        ["--history-depth", "1"],
        ["--history-depth", "100000"],
        ["--max-seconds", "inf"],
    ],
)
def test_wrong_values_are_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["serve", *arguments])
    assert caught.value.code == 2
    assert "usage: memcollect-agent serve" in capsys.readouterr().err


def test_an_address_that_others_can_reach_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--listen", "0.0.0.0:7070", "--health-listen", "off"]) == 1
    output = capsys.readouterr()
    assert output.err.startswith("memcollect-agent: 0.0.0.0:7070 is not on the loopback")
    assert output.err.count("\n") == 1
