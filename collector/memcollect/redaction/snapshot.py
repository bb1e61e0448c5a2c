"""A snapshot without its names. Pure, but for the key.

Which field is what stands in one table. A field that it does not have is replaced as a name: whoever adds one
need not remember to hide it. What is derived is not replaced but made anew, from what was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from memcollect.documents.snapshot import Container, Pod, Snapshot, Summary
from memcollect.errors import UsageError
from memcollect.explain import explain
from memcollect.redaction import arguments
from memcollect.redaction.known import RESOURCES
from memcollect.redaction.words import Words

Treatment: TypeAlias = Callable[[Words, str], str]
_AnyStruct = TypeVar("_AnyStruct", bound=Struct)
_STATUS = re.compile(r"[A-Za-z][A-Za-z0-9 ,.()\[\]-]{0,39}")
_AT = re.compile(r"(.*) at (\S+)")
_WORD = re.compile(r"[a-z_-]{1,40}")
NO_VERDICT = "Its verdict had names in it and was left out: a summary does not hold what it was made of."


def kept(_words: Words, text: str) -> str:
    """Return a word of ours, of the kernel or of Kubernetes."""
    return text


def status(words: Words, text: str) -> str:
    """Return a reason as Kubernetes writes them, CrashLoopBackOff say."""
    return text if _STATUS.fullmatch(text) else arguments.foreign(words, text)


def word(words: Words, text: str) -> str:
    """Return a term's, a rung's or a cause's name, or another word of ours."""
    return text if _WORD.fullmatch(text) else words.names(text)


def resource(words: Words, text: str) -> str:
    """Return the name of a resource; those of Kubernetes itself stay."""
    return text if RESOURCES.fullmatch(text) else words.names(text)


def name_at_time(words: Words, text: str) -> str:
    """Return NAME at TIME."""
    match = _AT.fullmatch(text)
    return f"{words.names(match[1])} at {match[2]}" if match else arguments.foreign(words, text)


def _each(fields: str, treatment: Treatment) -> dict[str, Treatment]:
    return dict.fromkeys(fields.split(), treatment)


FIELDS: Mapping[str, Treatment] = {
    **_each(
        """provider source captured_at finished_at started_at start_time due mode controllers cgroup_version
        cgroup_mount_options transparent_hugepage confidence Tool.name Tool.version""",
        kept,
    ),
    **_each(
        """detail remark evidence disagreement notes unmeasured inside missing regions_missing payers_unknown
        pods_unknown thresholds_unknown CgroupUse.absent Kubelet.absent Thresholds.source""",
        arguments.sentence,
    ),
    **_each("term rung causes reclaimable swap_room depth Undecided.name", word),
    **_each("message evicted switch selector patterns sample", arguments.foreign),
    **_each(
        """reason kind role state phase qos_class driver family platforms place volume_kind by backing status
        sharing_by skipped""",
        status,
    ),
    **_each(
        "exe mount KubeletFile.path FilesGap.place FileUse.path Region.name MappedPart.name", arguments.path
    ),
    **_each("image image_id", arguments.image),
    **_each("KubeletFile.text Thresholds.hard Thresholds.soft Thresholds.soft_grace", arguments.settings),
    "command": arguments.command,
    "owner": arguments.owner,
    "kernel": arguments.kernel,
    "oom_killed": name_at_time,
}
"""Field, or "Struct.field" -> how its text is replaced; all others are names, with "/" between them."""

KEYS: Mapping[str, Treatment] = {
    "labels": Words.names,
    "orphan_processes": Words.names,
    "requests": resource,
    "limits": resource,
    "wanted_limits": resource,
}
"""Of the fields that are dictionaries those whose keys are not the kernel's or ours."""
VALUES: Mapping[str, Treatment] = {
    "options": arguments.settings,
    "requests": kept,
    "limits": kept,
    "wanted_limits": kept,
    "absent": arguments.sentence,
}
"""Of the same those whose values are no names."""


def redacted_snapshot(snapshot: Snapshot, words: Words) -> Snapshot:
    """Return the snapshot with its names replaced, explained anew.

    Raises UsageError where it is redacted already, and whatever explaining raises for numbers that contradict
    each other.
    """
    if snapshot.redacted:
        raise UsageError("The snapshot is redacted already.", "Redact the original, if it is there.")
    snapshot = _raw(snapshot)
    # Twice: only once every name is known can sentences be read for them.
    _struct(snapshot, words)
    hidden = _struct(snapshot, words)
    pods = [_without_verdict(pod) if pod.summary is not None else pod for pod in hidden.pods]
    return explain(msgspec.structs.replace(hidden, pods=pods, redacted=True))


def _raw(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot without what is derived, which explaining makes anew."""
    pods = [_raw_pod(pod) for pod in snapshot.pods]
    accounts = [
        msgspec.structs.replace(
            account,
            kinds=None,
            owners=None,
            holders=[],
            ladder=None,
            eviction=None,
            findings=[],
            undecided=[],
            verdict="",
        )
        for account in snapshot.accounts
    ]
    return msgspec.structs.replace(snapshot, pods=pods, accounts=accounts, summary=Summary())


def _raw_pod(pod: Pod) -> Pod:
    if pod.summary is not None:
        # Its terms are all that there is of it; its sentences cannot be made anew, and have names in them.
        return msgspec.structs.replace(pod, statements=[], verdict="", undecided=[])
    return msgspec.structs.replace(
        pod,
        containers=[_raw_container(each) for each in pod.containers],
        outside=[_raw_container(each) for each in pod.outside],
        composition=None,
        ladder=None,
        findings=[],
        undecided=[],
        file_sums=[],
        statements=[],
        verdict="",
    )


def _without_verdict(pod: Pod) -> Pod:
    return msgspec.structs.replace(pod, verdict=NO_VERDICT if pod.composition is not None else "")


def _raw_container(container: Container) -> Container:
    return msgspec.structs.replace(container, composition=None, ladder=None, private=[])


def _struct(value: _AnyStruct, words: Words) -> _AnyStruct:
    kind = type(value).__name__
    changed = {
        field: _field(getattr(value, field), f"{kind}.{field}", field, words)
        for field in value.__struct_fields__
    }
    if isinstance(value, Container) and value.id and value.name == value.role:
        changed["name"] = value.name
    return msgspec.structs.replace(value, **changed)


def _field(value: Any, whole: str, field: str, words: Words) -> Any:
    treatment = FIELDS.get(whole) or FIELDS.get(field) or Words.names
    if isinstance(value, dict):
        of_key, of_value = KEYS.get(field, kept), VALUES.get(field, treatment)
        return {of_key(words, key): _value(each, of_value, words) for key, each in value.items()}
    return _value(value, treatment, words)


def _value(value: Any, treatment: Treatment, words: Words) -> Any:
    if isinstance(value, str):
        return treatment(words, value)
    if isinstance(value, Struct):
        return _struct(value, words)
    if isinstance(value, (list, tuple)):
        return type(value)(_value(each, treatment, words) for each in value)
    if isinstance(value, dict):
        return {key: _value(each, treatment, words) for key, each in value.items()}
    return value
