"""A kubelet's thresholds from its own command line and files, as its node's agent read them.

It is what the kubelet was started with, or will be: a file that was changed since then is not in force yet,
as the kubelet itself would say (kubelet_config). Sources: pkg/kubelet/eviction/helpers.go (a threshold is a
share of the capacity or a quantity above nothing; "0%" and "100%" switch it off);
pkg/kubelet/apis/config/v1beta1/defaults.go (the default holds only where evictionHard is not there at all,
unless mergeDefaultEvictionSettings); the guide to --config-dir (a map of a later file is merged into that of
an earlier one); and cmd/kubelet/app/server.go (an option overrides the files' whole map).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from memcollect.documents.snapshot import Thresholds
from memcollect.documents.yaml_value import yaml_value
from memcollect.errors import DocumentError
from memcollect.sources.plain import plain
from memcollect.sources.quantities import QuantityError, quantity, whole
from memcollect_agent import wire

MEMORY = "memory.available"
DEFAULT = "100Mi"
"""evictionHard memory.available on Linux where nobody set another (pkg/kubelet/apis/config/v1beta1)."""
NOT_FOUND = "its agent found no kubelet.service, or is too old to look for it"
_LONGEST = 40
_NAMES = {
    "evictionHard": "eviction-hard",
    "evictionSoft": "eviction-soft",
    "evictionSoftGracePeriod": "eviction-soft-grace-period",
}


def thresholds(kubelet: wire.Kubelet | None, capacity_bytes: int | None) -> Thresholds | str:
    """Return at what memory the kubelet evicts, or as a part of a sentence why that is not known."""
    if kubelet is None:
        return NOT_FOUND
    if kubelet.absent and "eviction-hard" not in kubelet.options:
        return kubelet.absent
    try:
        fields = _merged(kubelet.files)
        options = {
            name: _of_option(kubelet.options[_NAMES[name]])
            for name in _NAMES
            if _NAMES[name] in kubelet.options
        }
        maps = {**_maps(fields), **options}
        hard = _hard(maps.get("evictionHard"), merges=fields.get("mergeDefaultEvictionSettings") is True)
        soft, grace = maps.get("evictionSoft"), maps.get("evictionSoftGracePeriod")
        found = thresholds_of({MEMORY: hard}, soft, grace, capacity_bytes)
        source = _source(kubelet, is_option="evictionHard" in options, is_set="evictionHard" in maps)
        return msgspec.structs.replace(found, source=source)
    except (DocumentError, QuantityError) as error:
        return str(error).rstrip(".")


def thresholds_of(
    hard: Mapping[str, str] | None,
    soft: Mapping[str, str] | None,
    grace: Mapping[str, str] | None,
    capacity_bytes: int | None,
) -> Thresholds:
    """Return what evictionHard, evictionSoft and its grace say of memory. Raises QuantityError."""
    at, softly, after = ((each or {}).get(MEMORY, "") for each in (hard, soft, grace))
    return Thresholds(
        hard=plain(at, _LONGEST),
        hard_bytes=threshold_bytes(at, capacity_bytes),
        soft=plain(softly, _LONGEST),
        soft_bytes=threshold_bytes(softly, capacity_bytes),
        soft_grace=plain(after, 20),
    )


def threshold_bytes(written: str, capacity_bytes: int | None) -> int:
    """Return a threshold in bytes, 0 for none (pkg/kubelet/eviction/api, GetThresholdQuantity).

    Raises QuantityError where it is none, or a share of a capacity that is not known.
    """
    if not written:
        return 0
    share, sign, rest = written.partition("%")
    if not sign:
        return max(0, whole(written))
    percent = quantity(share)
    if rest or capacity_bytes is None or not 0 <= percent <= 100:
        raise QuantityError(f"not a share of a known capacity: {plain(written, _LONGEST)!r}")
    return int(capacity_bytes * percent / 100) if percent != 100 else 0


def _merged(files: Sequence[wire.KubeletFile]) -> dict[str, object]:
    merged: dict[str, object] = {}
    for file in files:
        fields = yaml_value(file.text.encode("utf-8"), plain(file.path)) if file.text else {}
        if not isinstance(fields, Mapping):
            raise DocumentError(f"{plain(file.path)} holds no settings.")
        for name, value in fields.items():
            known = merged.get(name)
            both = isinstance(known, Mapping) and isinstance(value, Mapping)
            merged[name] = {**known, **value} if both else value  # type: ignore[dict-item]
    return merged


def _maps(fields: Mapping[str, object]) -> dict[str, dict[str, str]]:
    return {
        name: {signal: str(value) for signal, value in found.items()}
        for name in _NAMES
        if isinstance(found := fields.get(name), Mapping)
    }


def _of_option(text: str) -> dict[str, str]:
    """Return what an option says: SIGNAL<VALUE, or SIGNAL=TIME, with commas between."""
    pairs = [each.replace("=", "<", 1).partition("<") for each in text.split(",") if each.strip()]
    return {signal.strip(): value.strip() for signal, _, value in pairs}


def _hard(hard: Mapping[str, str] | None, *, merges: bool) -> str:
    if hard is None:
        return DEFAULT
    return hard.get(MEMORY, DEFAULT if merges else "")


def _source(kubelet: wire.Kubelet, *, is_option: bool, is_set: bool) -> str:
    if is_option:
        return "the kubelet's option --eviction-hard"
    if not is_set:
        return "Kubernetes' default, which this node's kubelet was not told to change"
    paths = [file.path for file in kubelet.files if "evictionHard" in file.text]
    return f"evictionHard in {plain(paths[-1])} on the node"
