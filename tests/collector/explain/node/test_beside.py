"""What a node has beside the memory that is counted: swap, and huge pages that wait."""

import msgspec

from memcollect.explain.node import explain_account
from memcollect.units import human_bytes
from worlds.node_builders import MIB, NODE, Made


def sentences(made: Made, cause: str) -> list[str]:
    account = explain_account(made.account(), NODE)
    assert account.undecided == []
    return [each.sentence for each in account.findings if each.cause == cause]


def test_swap_in_use_is_told_beside_the_memory() -> None:
    (said,) = sentences(Made(swap=1024 * MIB, swapped=300 * MIB), "node_swap")

    assert said == "300 MiB of the node's 1024 MiB of swap is in use, beside its memory."


def test_what_zswap_holds_is_told_as_memory_and_not_as_disk() -> None:
    made = Made(swap=1024 * MIB, swapped=300 * MIB, zswap=80 * MIB, zswapped=200 * MIB)

    (said,) = sentences(made, "node_swap")

    assert "200 MiB of it is not on disk but in 80 MiB of memory, compressed (zswap)" in said


def test_a_node_without_swap_or_with_none_in_use_is_not_told_of_it() -> None:
    assert sentences(Made(), "node_swap") == []
    assert sentences(Made(swap=1024 * MIB), "node_swap") == []


def test_huge_pages_that_hold_nothing_are_told_with_what_is_promised() -> None:
    made = Made(hugetlb=512 * MIB, hugetlb_idle=256 * MIB, hugetlb_promised=64 * MIB)

    (said,) = sentences(made, "idle_hugetlb")

    assert said == (
        "256 MiB of the hugetlb pool of 512 MiB holds nothing, 64 MiB of it promised to mappings that have"
        " not touched it yet: nobody else may use it."
    )
    assert sentences(Made(hugetlb=512 * MIB), "idle_hugetlb") == []


def test_meminfo_without_swaps_lines_leaves_swap_undecided() -> None:
    account = Made().account()
    lines = Made().meminfo()
    del lines["SwapTotal"], lines["SwapFree"]
    tree = msgspec.structs.replace(account.tree, meminfo=lines)

    found = explain_account(msgspec.structs.replace(account, tree=tree), NODE)

    assert [each.name for each in found.undecided] == ["node_swap"]


def test_without_meminfo_the_verdict_tells_what_the_cgroups_tell() -> None:
    account = Made().account()
    tree = msgspec.structs.replace(
        account.tree, meminfo=None, meminfo_again=None, absent={"meminfo": "there is no /proc/meminfo"}
    )

    verdict = explain_account(msgspec.structs.replace(account, tree=tree), NODE).verdict

    root = account.tree.root or {}
    held = human_bytes(root["anon"] + root["file"])
    assert verdict.startswith("How much memory this node has is unknown: there is no /proc/meminfo. It holds")
    assert f"It holds {held} of anonymous memory and page cache; the kubelet counts" in verdict
    assert "The largest is db.service, 900 MiB." in verdict
