"""Few bytes that would become many: bounds on what an answer unpacks and decodes to."""

import gzip
from pathlib import Path

import pytest
import urllib3

from memcollect.errors import AnswerError, ProvisionerError
from memcollect.kubernetes.objects import Pod
from memcollect.sources import kube_config
from memcollect.sources.agent_http import AgentFailure, decoded
from memcollect.sources.api import Api, Patience
from memcollect.sources.pages import Listing, items
from memcollect.sources.provisioner import ProvisionerCall, ask
from memcollect.sources.rights import Right
from memcollect.sources.timed import timed
from memcollect.sources.transport import Endpoint
from memcollect.testing import kubeconfig
from memcollect_agent.wire import CgroupTree
from worlds.tcp_agents import listening, saying

RIGHT = Right("list", "pods")
ZEROS = bytes(8 << 20)


def packed(body: bytes, encoding: str, status: str = "200 OK") -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Encoding: {encoding}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "Connection: close", "", ""]).encode() + body


def asked(folder: Path, answer: bytes, patience: Patience) -> bytes:
    with listening(saying(answer)) as port:
        config = kubeconfig.write(folder / "c", f"http://127.0.0.1:{port}", authority=None, token=None)
        with Api(kube_config.connect(str(config)), patience) as api:
            return api.get("/api/v1/pods", RIGHT)


@pytest.mark.parametrize("encoding", ["gzip, gzip", "gzip,gzip", "deflate", "br", "zstd", "x\x1b[31m"])
@pytest.mark.parametrize("status", ["200 OK", "403 Forbidden"])
def test_no_encoding_is_unpacked_that_was_not_asked_for(tmp_path: Path, encoding: str, status: str) -> None:
    body = gzip.compress(gzip.compress(ZEROS))
    with pytest.raises(AnswerError, match=r"in the encoding '.*', which was not asked for") as caught:
        asked(tmp_path, packed(body, encoding, status), Patience())
    assert "\x1b" not in str(caught.value)


def test_what_unpacks_to_too_much_is_given_up_at_once(tmp_path: Path) -> None:
    with pytest.raises(AnswerError, match="answered more than 1 MiB"):
        asked(tmp_path, packed(gzip.compress(ZEROS), "gzip"), Patience(largest_bytes=1 << 20))


def test_one_encoding_is_unpacked(tmp_path: Path) -> None:
    assert asked(tmp_path, packed(gzip.compress(b"{}"), "GZIP"), Patience()) == b"{}"


def test_so_many_objects_are_not_decoded(tmp_path: Path) -> None:
    body = b'{"items":[' + b"{}," * 2000 + b"{}]}"
    with pytest.raises(AnswerError, match="answered more than 2,000 objects"):
        asked(tmp_path, packed(body, "identity"), Patience(most_objects=2000))


@pytest.mark.parametrize("values", [b'"labels":{%s}', b'"items":[%s]'])
def test_so_many_values_are_not_decoded(tmp_path: Path, values: bytes) -> None:
    """Of maps and lists that no count of objects bounds: labels under unequal names, items that are none."""
    entries = b",".join(b'"%d":""' % number if b"{" in values else b"0" for number in range(2002))
    body = b'{"metadata":{},' + values % entries + b"}"
    with pytest.raises(AnswerError, match="answered more than 2,000 values"):
        asked(tmp_path, packed(body, "identity"), Patience(most_values=2000))


def test_a_list_without_an_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memcollect.sources.pages.MOST_PAGES", 3)
    body = b'{"items":[],"metadata":{"continue":"more"}}'
    with listening(saying(packed(body, "identity"))) as port:
        config = kubeconfig.write(tmp_path / "c", f"http://127.0.0.1:{port}", authority=None, token=None)
        with (
            Api(kube_config.connect(str(config)), Patience()) as api,
            pytest.raises(AnswerError, match="without an end"),
        ):
            list(items(api, Listing("/api/v1/pods", RIGHT, Pod), lambda _missing: None))


def test_a_provisioners_answer_is_not_unpacked_and_not_read_to_its_end() -> None:
    with timed(urllib3.PoolManager()) as pool:
        for answer in (packed(gzip.compress(ZEROS), "gzip, gzip"), packed(ZEROS, "identity")):
            with listening(saying(answer)) as port:
                call = ProvisionerCall(method="GET", url=f"http://127.0.0.1:{port}/")
                assert len(ask(pool, call, 60.0)) <= 1 << 20
        with listening(saying(packed(ZEROS, "gzip", "500 No"))) as port, pytest.raises(ProvisionerError):
            ask(pool, ProvisionerCall(method="GET", url=f"http://127.0.0.1:{port}/"), 60.0)


def test_a_broken_answer_of_an_agent_is_one_failure() -> None:
    with pytest.raises(AgentFailure) as caught:
        decoded(b"\x91" * 100_000, CgroupTree, Endpoint(pod="p", port=1))
    assert caught.value.reason == "broken-answer"
