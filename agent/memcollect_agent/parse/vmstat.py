"""/proc/vmstat: the machine's page counts and event counters.

nr_free_pages 1323124
workingset_refault_file 156706
pswpout 0
oom_kill 0
"""

import re

from memcollect_agent.parse import flat_keyed

_TELLING = (
    "allocstall",
    "drop_",
    "nr_kernel_misc_reclaimable",
    "nr_swapcached",
    "nr_zspages",
    "oom_kill",
    "pgdemote",
    "pglazyfree",
    "pgmajfault",
    "pgrefill",
    "pgscan",
    "pgsteal",
    "pswp",
    "swpin",
    "swpout",
    "thp_swpout",
    "workingset_",
    "zswp",
)
_OOM_KILLS = re.compile(rb"^oom_kill ([0-9]{1,20})\n", re.MULTILINE)


def parse(data: bytes, source: str = "/proc/vmstat") -> dict[str, int]:
    """Return the lines that tell of reclaim, swap, zswap's pool, OOM kills and refaults: pages or counts."""
    fields = flat_keyed.parse(data, source)
    return {key: value for key, value in fields.items() if key.startswith(_TELLING)}


def oom_kills(data: bytes) -> int | None:
    """Return that one line's number without looking at the others; None where there is none."""
    found = _OOM_KILLS.search(data)
    return int(found[1]) if found else None
