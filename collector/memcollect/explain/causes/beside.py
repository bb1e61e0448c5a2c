"""What is in none of the other sums: swap, huge pages, and what moved while it was read. Pure."""

from __future__ import annotations

from memcollect.accounting import charge
from memcollect.accounting.facts import Facts
from memcollect.accounting.rules import Amount, measured
from memcollect.explain.engine import AmountRule
from memcollect.units import KIB


def _swapped(facts: Facts) -> Amount | None:
    if "swap.current" not in facts and "node.swap_devices" in facts and not facts["node.swap_devices"]:
        return None
    return measured(facts["swap.current"], f"memory.swap.current {facts['swap.current']}")


def _zswapped(facts: Facts) -> Amount | None:
    if "stat.zswap" in facts:
        return facts[charge.counter("zswap")]
    if "zswap.current" not in facts:
        return None
    return measured(facts["zswap.current"], f"memory.zswap.current {facts['zswap.current']}")


def _hugetlb(facts: Facts) -> Amount | None:
    charged = facts[charge.hugetlb_charged]
    return charged if charged is not None else facts[charge.hugetlb_beside]


def _hugetlb_words(facts: Facts) -> dict[str, str]:
    charged = "stat.hugetlb" in facts or "hugetlb_charged" in facts
    return {"place": "charged here like other memory" if charged else "beside memory.current, not in it"}


def _moved(facts: Facts) -> Amount | None:
    if "current_again" not in facts:
        return None
    return measured(
        facts["current_again"] - facts["current"], "memory.current before and after the processes were read"
    )


BESIDE_RULES = (
    AmountRule(
        "swap", _swapped, "{amount} is swapped out: in nobody's RSS, PSS or kubectl top.", least_bytes=KIB
    ),
    AmountRule(
        "zswap",
        _zswapped,
        "{amount} is compressed swap held in memory, and charged here as kernel memory.",
        least_bytes=KIB,
    ),
    AmountRule(
        "hugetlb",
        _hugetlb,
        "{amount} is hugetlb pages: {place}.",
        least_bytes=KIB,
        words=_hugetlb_words,
    ),
    AmountRule(
        "moving",
        _moved,
        "The charge moved by {amount} while it was being read, so differences of that size mean nothing.",
    ),
)
