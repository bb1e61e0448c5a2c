"""Taking away what a trial has made: the one place where that is done. Raises nothing."""

from __future__ import annotations

from collections.abc import Callable

from memcollect.evidence.port import BROKEN, Gateway, NotOfferedError, OperationError, Provider
from memcollect.trying.boxes import Held, Ledger
from memcollect.trying.limits import within
from memcollect.trying.naming import filled, of_box

FILES_SECONDS = 15.0
GATEWAY_SECONDS = 10.0
DESTROY_SECONDS = 180.0
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
    faults = []
    for thread, name in dict.fromkeys(ledger.uploads):
        base = name.rpartition("/")[2]
        why = _tried(
            f"upload {base}",
            lambda thread=thread, base=base: gateway.remove_upload(thread, base, GATEWAY_SECONDS),  # type: ignore[misc]
            GATEWAY_SECONDS,
        )
        faults += [why] if why else []
    ledger.uploads.clear()
    return faults


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
