"""Adding up what several cgroups' processes were measured to use. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from memcollect_agent.wire import ProcessSums, Rings

COUNTS = (
    "listed",
    "read",
    "vanished",
    "zombies",
    "kernel_threads",
    "skipped_unlisted",
    "sharing",
    "alike",
)
ALIKE = ("alike_pss_bytes", "alike_pss_anon_bytes", "alike_pss_file_bytes", "alike_pss_shmem_bytes")
AMOUNTS = (
    "threads",
    "rss_bytes",
    "pss_bytes",
    "pss_anon_bytes",
    "pss_file_bytes",
    "pss_shmem_bytes",
    "lazyfree_bytes",
    "swap_bytes",
    "swap_pss_bytes",
    "locked_bytes",
    "anon_huge_bytes",
    "ksm_bytes",
    "hugetlb_bytes",
    "page_tables_bytes",
)


def add_sums(parts: Sequence[ProcessSums]) -> ProcessSums:
    """Return the sums over all of them; an amount is None where one part has processes but not the amount."""
    amounts = {name: _add([part for part in parts if part.read], name) for name in AMOUNTS}
    counts = {name: sum(getattr(part, name) for part in parts) for name in COUNTS}
    return msgspec.structs.replace(
        ProcessSums(),
        **counts,
        **amounts,
        **{name: _add([part for part in parts if part.alike], name) for name in ALIKE if counts["alike"]},
        sharing_by=", ".join(sorted({part.sharing_by for part in parts if part.sharing_by})),
        sharing_rss_bytes=(
            _add([part for part in parts if part.sharing], "sharing_rss_bytes") if counts["sharing"] else None
        ),
        skipped=[process for part in parts for process in part.skipped],
        skipped_unlisted_rss_bytes=_add(
            [part for part in parts if part.skipped_unlisted], "skipped_unlisted_rss_bytes"
        ),
        rings=_add_rings([part.rings for part in parts if part.rings is not None]),
        block_bytes=min((part.block_bytes for part in parts if part.block_bytes), default=None),
        read_from=min((part.read_from for part in parts if part.read_from is not None), default=None),
        read_until=max((part.read_until for part in parts if part.read_until is not None), default=None),
    )


def _add_rings(parts: Sequence[Rings]) -> Rings | None:
    """Return them added up; None where none was looked for."""
    names = Rings.__struct_fields__
    return Rings(**{name: sum(getattr(part, name) for part in parts) for name in names}) if parts else None


def _add(parts: Sequence[ProcessSums], name: str) -> int | None:
    values = [getattr(part, name) for part in parts]
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
