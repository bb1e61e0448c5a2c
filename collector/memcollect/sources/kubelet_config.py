"""A kubelet's own configuration, from the kubelet itself: `GET /configz` on its port, and nothing else.

The API server would pass the question on for whoever has `nodes/proxy`, which also lets its holder run
commands in every pod: that way is never taken. A kubelet that is asked directly wants `nodes/configz` alone
(Kubernetes 1.33, KubeletFineGrainedAuthz, on by default; pkg/kubelet/server/auth.go).

Only who shows a client certificate asks: a token would be shown to the node, and whoever holds the node could
use it. And the kubelet must have a certificate of the cluster's own authority (serverTLSBootstrap), for else
anybody could answer.
"""

from __future__ import annotations

import ssl
from contextlib import closing
from typing import Any

import msgspec
import urllib3
from msgspec import Struct, field

from memcollect.documents.snapshot import Thresholds
from memcollect.kubernetes.objects import Node
from memcollect.sources.access import review
from memcollect.sources.api import Api
from memcollect.sources.kubelet_settings import thresholds_of
from memcollect.sources.plain import plain
from memcollect.sources.quantities import QuantityError
from memcollect.sources.rights import Right
from memcollect.sources.timed import timed

RIGHT = Right("get", "nodes", subresource="configz")
SECONDS = 3.0
"""For one kubelet's whole answer: many networks let nobody but the API server in, and drop what comes."""
MOST_UNREACHED = 3
"""After so many in a row that did not answer, the others are not waited for."""
LARGEST_BYTES = 1 << 20
"""A configuration is some 5 KB."""
_PORT = 10250
_TLS_FAULTS = (urllib3.exceptions.SSLError, ssl.SSLError)


class _Config(Struct, frozen=True, rename="camel"):
    """What is read of a KubeletConfiguration; quantities or shares of the capacity, by signal."""

    eviction_hard: dict[str, str] | None = None
    eviction_soft: dict[str, str] | None = None
    eviction_soft_grace_period: dict[str, str] | None = None


class _Configz(Struct, frozen=True):
    config: _Config = field(name="kubeletconfig")


_CONFIGZ = msgspec.json.Decoder(_Configz)


class KubeletConfigs:
    """Asks the kubelets of one cluster, one after another. Not thread-safe."""

    def __init__(self, api: Api) -> None:
        """Ask nothing yet."""
        self._api = api
        self._refusal: str | None = None
        self._unreached = 0

    def thresholds(self, node: Node, capacity_bytes: int | None) -> Thresholds | str:
        """Return at what memory the kubelet evicts, or as a part of a sentence why that is not known."""
        if self._refusal is None:
            self._refusal = self._may_not()
        if self._refusal:
            return self._refusal
        if self._unreached >= MOST_UNREACHED:
            return f"it was not asked: none of {self._unreached} kubelets before it answered"
        address = next((each.address for each in node.status.addresses if each.type == "InternalIP"), "")
        if not address:
            return "the API server has no address of it"
        port = node.status.daemon_endpoints.kubelet_endpoint.port or _PORT
        try:
            status, body = self._ask(f"[{address}]" if ":" in address else address, port)
        except _TLS_FAULTS:
            return "its certificate is not of the cluster's own authority (serverTLSBootstrap of the kubelet)"
        except (urllib3.exceptions.HTTPError, OSError):
            self._unreached += 1
            return f"it does not answer here at {plain(address)}:{port}"
        self._unreached = 0
        return _thresholds(body, capacity_bytes) if status == 200 else _refused(status)

    def _may_not(self) -> str:
        """Return why no kubelet is to be asked, "" if they are."""
        configuration = self._api.cluster.configuration
        if not configuration.cert_file:
            return "only who shows a client certificate asks it, for a token would be shown to the node"
        if not (configuration.verify_ssl and configuration.ssl_ca_cert):
            return "it is asked only where the kubeconfig has the cluster's authority to know it by"
        access = review(self._api, RIGHT)
        return "" if access.allowed else f"reading it needs the right to {RIGHT}"

    def _ask(self, address: str, port: int) -> tuple[int, bytes]:
        with closing(_Pool(self._api.cluster.configuration)) as pool:
            return pool.get(f"https://{address}:{port}/configz")


class _Pool:
    """Connections that show the user's certificate and trust the cluster's authority alone."""

    def __init__(self, configuration: Any) -> None:
        self._pool = timed(
            urllib3.PoolManager(
                cert_reqs="CERT_REQUIRED",
                ca_certs=configuration.ssl_ca_cert,
                cert_file=configuration.cert_file,
                key_file=configuration.key_file,
            )
        )

    def get(self, url: str) -> tuple[int, bytes]:
        response = self._pool.request(
            "GET",
            url,
            headers={"Accept": "application/json"},
            timeout=urllib3.Timeout(total=SECONDS),
            retries=False,
            redirect=False,
            preload_content=False,
        )
        try:
            return response.status, response.read(LARGEST_BYTES)
        finally:
            response.close()

    def close(self) -> None:
        self._pool.clear()


def _thresholds(body: bytes, capacity_bytes: int | None) -> Thresholds | str:
    try:
        config = _CONFIGZ.decode(body).config
        grace = config.eviction_soft_grace_period
        return thresholds_of(config.eviction_hard, config.eviction_soft, grace, capacity_bytes)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, QuantityError):
        return "what it answered is no configuration of a kubelet"


def _refused(status: int) -> str:
    if status in (401, 403):
        more = f"before Kubernetes 1.33 it asks for more than {RIGHT.full_resource}"
        return f"it refused to tell ({status}): {more}"
    return f"it answered {status}"
