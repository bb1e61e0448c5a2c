"""Taking away what a trial has made: the one place where that is done. Raises nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from memcollect.evidence.port import BROKEN, Gateway, HttpSeen, NotOfferedError, OperationError, Provider
from memcollect.trying.boxes import Held, Ledger
from memcollect.trying.limits import within
from memcollect.trying.naming import filled, of_box

FILES_SECONDS = 15.0
GATEWAY_SECONDS = 10.0
DESTROY_SECONDS = 180.0
_OK, _REDIRECTED = 200, 300
_NOTHING_THERE = frozenset({404, 405})
"""It is gone, or the gateway has no such request."""
_FILES = "; ".join(
    f"rm -rf {place}/{{run}}*" for place in ("{ws}", "{up}", "{out}", "{tmp}", "{skills}/public", "{acp}")
)


def clean_files(ledger: Ledger, held: Held) -> str:
    """Remove the run's files from a sandbox, as a thread's directory may outlive it; return why it failed."""
    box = held.box
    if box is None:
        return ""
    command = filled(
        f"({_FILES}) 2>/dev/null; true", of_box(box.prefix, {"run": ledger.run, "check": ""}, box.temp)
    )
    return _tried(f"files in {box.name}", lambda: box.run(command, {}, None, FILES_SECONDS), FILES_SECONDS)


def clean_uploads(ledger: Ledger, gateway: Gateway | None) -> list[str]:
    """Delete what was uploaded through the gateway; what it does not know is gone."""
    if gateway is None:
        return []
    uploads = dict.fromkeys((thread, name.rpartition("/")[2]) for thread, name in ledger.uploads)
    faults = [
        _tried(f"upload {name}", partial(_unloaded, gateway, thread, name), GATEWAY_SECONDS)
        for thread, name in uploads
    ]
    ledger.uploads.clear()
    return [each for each in faults if each]


def end_threads(ledger: Ledger, gateway: Gateway | None) -> list[str]:
    """Delete the run's threads from the gateway; return why that failed. Some gateways have no threads."""
    if gateway is None:
        return []
    faults = [
        _tried(f"thread {thread}", partial(_ended, gateway, thread), GATEWAY_SECONDS)
        for thread in ledger.threads
    ]
    ledger.threads.clear()
    return [each for each in faults if each]


def _unloaded(gateway: Gateway, thread: str, name: str) -> None:
    """Delete an upload. Raises OperationError where that was refused, or where it is listed afterwards."""
    _check(gateway.remove_upload(thread, name, GATEWAY_SECONDS))
    listed = gateway.uploads(thread, GATEWAY_SECONDS)
    if listed.status == _OK and f'"{name}"'.encode() in listed.body:
        raise OperationError("refused", "it is listed after its deletion")


def _ended(gateway: Gateway, thread: str) -> None:
    _check(gateway.end_thread(thread, GATEWAY_SECONDS))


def _check(answer: HttpSeen) -> None:
    if not _OK <= answer.status < _REDIRECTED and answer.status not in _NOTHING_THERE:
        raise OperationError("refused", f"HTTP {answer.status}", answer.status)


def destroy(provider: Provider, key: str, held: Held | None = None) -> str:
    """Delete a sandbox; return why that failed."""
    if held is not None:
        if held.gone:
            return ""
        if held.box is not None:
            held.box.close()
            held.box = None
    why = _tried(f"sandbox {key}", lambda: provider.destroy(key, DESTROY_SECONDS), DESTROY_SECONDS)
    if held is not None and not why:
        held.gone = True
    return why


def _tried(what: str, function: Callable[[], object], seconds: float) -> str:
    try:
        within(seconds, function)
    except NotOfferedError:
        return ""
    except OperationError as error:
        if error.kind == "not-found":
            return ""
        lost = " (no usable answer)" if error.kind in BROKEN else ""
        return f"{what}{lost}: {error}"
    except Exception as error:  # noqa: BLE001 # cleaning goes on with the rest whatever one of them does
        return f"{what}: {error!r}"
    return ""
