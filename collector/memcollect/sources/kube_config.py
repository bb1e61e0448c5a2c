"""Which cluster, and as whom: kubeconfig, exec plugins and in-cluster credentials by the official client."""

import contextlib
import copy
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import urllib3
import yaml
from kubernetes.client import ApiClient, Configuration
from kubernetes.config import ConfigException, load_incluster_config, load_kube_config
from kubernetes.config.kube_config import KubeConfigMerger

from memcollect.documents.files import read_written
from memcollect.documents.yaml_value import check_yaml
from memcollect.errors import DocumentError, KubeConfigError
from memcollect.secrecy import remember_environment, remember_secret, without_secrets
from memcollect.sources.exposure import is_exposed
from memcollect.sources.plain import plain
from memcollect_agent.redact import masked

DEFAULT_KUBECONFIG = "~/.kube/config"
IN_CLUSTER = "in-cluster"

_CHOOSE = "Choose one with --kubeconfig or KUBECONFIG, and look at it with `kubectl config view`."
_FRESH_SECONDS = 1.0
"""How long a token is taken as it is. In its last five minutes the client runs the plugin for every request,
and some plugins give the same token until its end: a thousand nodes would be asked at the plugin's pace."""
_BROKEN = (ConfigException, yaml.YAMLError, OSError, ValueError, TypeError, AttributeError, LookupError)
"""What the client's loader raises for files that are no kubeconfig; it checks few types itself."""


class Cluster:
    """A cluster that can be asked: its address, credentials and TLS settings.

    `origin` is the kubeconfig's path or "in-cluster"; `context` is None in a cluster.
    """

    def __init__(self, configuration: Any, origin: str, context: str | None = None) -> None:
        self.configuration = configuration
        self.origin = origin
        self.context = context
        configuration.refresh_api_key_hook = _one_at_a_time(configuration.refresh_api_key_hook)
        _remember_secrets(configuration)
        if not configuration.verify_ssl:
            # The user's own kubeconfig says so, and kubectl does not warn on every request either.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    @property
    def server(self) -> str:
        """The API server's URL, without a slash at the end."""
        return str(self.configuration.host).rstrip("/")

    @property
    def exposes_credentials(self) -> bool:
        """Whether a token or a password would leave this machine unencrypted."""
        return bool(self.configuration.api_key) and is_exposed(self.server)

    def client(self) -> Any:
        """Return a new ApiClient with a configuration of its own: the client is not thread-safe."""
        return ApiClient(copy.deepcopy(self.configuration))

    def authorization(self) -> str | None:
        """Return the Authorization header, refreshed where it has expired; None with a client certificate.

        Raises KubeConfigError where the refresh fails.
        """
        with _load_errors(self.origin) as logged:
            setting = self.configuration.auth_settings().get("BearerToken")
        value = setting["value"] if setting else None
        if value is None and logged:
            raise _credentials_error(logged)
        return value


def connect(
    kubeconfig: str | None = None, context: str | None = None, environ: Mapping[str, str] = os.environ
) -> Cluster:
    """Return the cluster that `kubectl` with the same settings would speak to; nothing is asked of it yet.

    In order: `kubeconfig`, KUBECONFIG (files joined by colons), ~/.kube/config, the service account of
    the pod this runs in. Raises KubeConfigError.
    """
    files = _kubeconfig_files(kubeconfig, environ)
    if files is not None:
        return _from_files(files, context)
    if context is not None:
        raise KubeConfigError(f"There is no kubeconfig to take the context {plain(context)!r} from.", _CHOOSE)
    if "KUBERNETES_SERVICE_HOST" in environ:
        return _from_pod()
    raise KubeConfigError(f"There is no kubeconfig at {DEFAULT_KUBECONFIG}, and this is not a pod.", _CHOOSE)


def _kubeconfig_files(kubeconfig: str | None, environ: Mapping[str, str]) -> str | None:
    """Return the files to load, joined as KUBECONFIG joins them; None for in-cluster."""
    named = kubeconfig or environ.get("KUBECONFIG")
    if named:
        if not any(_is_there(file) for file in named.split(os.pathsep) if file):
            source = "--kubeconfig" if kubeconfig else "KUBECONFIG"
            raise KubeConfigError(f"There is no kubeconfig at {plain(named)}, which {source} names.", _CHOOSE)
        return named
    return DEFAULT_KUBECONFIG if _is_there(DEFAULT_KUBECONFIG) else None


def _is_there(file: str) -> bool:
    """Return whether something is there, or may be: reading it then says why it cannot be read."""
    try:
        return Path(file).expanduser().exists()
    except OSError:
        return True


def _from_files(files: str, context: str | None) -> Cluster:
    _check_files(files)
    with _load_errors(files) as logged:
        merged = KubeConfigMerger(files).config
        if merged is None:
            raise ConfigException("it is empty")
        chosen = context or merged.safe_get("current-context")
        _check_context(merged, chosen, files)
        configuration = Configuration()
        load_kube_config(config_file=files, context=chosen, client_configuration=configuration)
    if _expects_credentials(merged, chosen) and not (configuration.api_key or configuration.cert_file):
        raise _credentials_error(logged)
    _check_server(str(configuration.host), files)
    return Cluster(configuration, files, chosen)


def _check_files(files: str) -> None:
    """Hold the files to bounds before the client opens them: it waits for a FIFO, and follows any alias."""
    for file in files.split(os.pathsep):
        path = Path(file).expanduser()
        if file and _is_there(file):
            try:
                check_yaml(read_written(str(path), "kubeconfig"), plain(file))
            except DocumentError as error:
                raise KubeConfigError(error.sentence, _CHOOSE) from error


def _from_pod() -> Cluster:
    configuration = Configuration()
    with _load_errors("the pod's service account"):
        load_incluster_config(client_configuration=configuration)
    return Cluster(configuration, IN_CLUSTER)


def _check_context(merged: Any, chosen: str | None, files: str) -> None:
    names = [str(entry.value["name"]) for entry in merged.value["contexts"]]
    if chosen in names:
        return
    have = ", ".join(plain(name, 60) for name in names[:10]) or "none"
    what = f"has no context {plain(chosen)!r}" if chosen else "names no current context"
    raise KubeConfigError(f"The kubeconfig {plain(files)} {what}.", f"Its contexts: {have}; see --context.")


def _check_server(server: str, files: str) -> None:
    try:
        address = urllib3.util.parse_url(server)
    except urllib3.exceptions.LocationParseError:
        address = urllib3.util.Url()
    if address.scheme not in ("http", "https") or not address.host:
        raise KubeConfigError(
            f"The server {plain(server)!r} in {plain(files)} is no https:// address.",
            "See `kubectl config view`, and choose another --context.",
        )


def _expects_credentials(merged: Any, context: str | None) -> bool:
    """Tell whether the context's user gets credentials from a program.

    The client only logs the program's failure and goes on with no credentials at all.
    """
    name = merged["contexts"].get_with_name(context)["context"].safe_get("user")
    user = merged["users"].get_with_name(name, safe=True) if name and merged.safe_get("users") else None
    return user is not None and any(key in user["user"] for key in ("exec", "auth-provider"))


def _credentials_error(logged: list[str]) -> KubeConfigError:
    remember_environment(os.environ)
    said = plain(without_secrets(masked(logged[-1]))) if logged else "it gave none"
    return KubeConfigError(
        f"The kubeconfig's plugin gave no credentials: {said}.",
        "Run `kubectl get pods` with the same context: it starts the same plugin and shows what it says.",
    )


@contextmanager
def _load_errors(files: str) -> Iterator[list[str]]:
    """Turn what the client's loader raises into KubeConfigError; yields what it only logs."""
    keeper = _LogKeeper(level=logging.ERROR)
    root = logging.getLogger()
    root.addHandler(keeper)
    try:
        yield keeper.messages
    except _BROKEN as error:
        raise KubeConfigError(f"{plain(files)} cannot be used: {_problem(error)}.", _CHOOSE) from error
    finally:
        root.removeHandler(keeper)


class _LogKeeper(logging.Handler):
    """Keeps messages instead of printing them."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def _problem(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1} is not YAML ({plain(error.problem or '')})"
    if isinstance(error, (TypeError, AttributeError, LookupError)):
        return "it is not a kubeconfig"
    if isinstance(error, OSError):
        return plain(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    return plain(str(error)).rstrip(".")


def _remember_secrets(configuration: Any) -> None:
    """Tell all that a server or a proxy will be sent; as yet a token may stand without its scheme."""
    for value in (configuration.api_key or {}).values():
        remember_secret(str(value))
    for value in (configuration.proxy_headers or {}).values():
        remember_secret(str(value))
    for url in (configuration.host, configuration.proxy):
        with contextlib.suppress(urllib3.exceptions.LocationParseError):
            remember_secret((urllib3.util.parse_url(str(url or "")).auth or "").partition(":")[2])


def _one_at_a_time(hook: Callable[[Any], None] | None) -> Callable[[Any], None] | None:
    """Wrap the client's refresh of credentials: workers run a plugin neither all at once nor one by one.

    The white space that a token file ends with is dropped as well: it would break the header.
    """
    if hook is None:
        return None
    lock = threading.Lock()
    fresh: dict[str, str] = {}
    fresh_until_seconds = float("-inf")

    def refresh(configuration: Any) -> None:
        nonlocal fresh_until_seconds
        with lock:
            if monotonic() < fresh_until_seconds:
                configuration.api_key.update(fresh)
                return
            hook(configuration)
            # The client's own hook puts itself in this one's place.
            configuration.refresh_api_key_hook = refresh
            # Under "BearerToken" or "authorization", as the client's version has it.
            for name, token in configuration.api_key.items():
                configuration.api_key[name] = token.strip()
            _remember_secrets(configuration)
            fresh.update(configuration.api_key)
            fresh_until_seconds = monotonic() + _FRESH_SECONDS

    return refresh
