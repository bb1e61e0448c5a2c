"""Processes without PSS: told by reason, with what is known of them, and never as none."""

from worlds.reported_cases import EVERYTHING, told

GIB = 1 << 30
RAISED = (*EVERYTHING, "--process-ceiling", "64Gi")


def test_of_a_process_above_the_ceiling_rss_is_known_and_how_to_have_pss() -> None:
    said = told("15b-kubevirt-limit")
    (finding,) = said.findings("unread_processes")
    assert "raise --process-ceiling" in finding.remedy
    assert "SYS_PTRACE" not in said.words
    machine = said.container("compute").processes[0]
    assert (machine.skipped, machine.pss_bytes) == ("ceiling", None)
    assert machine.rss_bytes is not None
    assert machine.rss_bytes > 31 * GIB


def test_with_a_higher_ceiling_the_same_process_is_read() -> None:
    said = told("15b-kubevirt-limit", *RAISED)
    assert (said.code, said.snapshot.missing, said.findings("unread_processes")) == (0, [], [])
    largest = said.container("compute").processes[0].pss_bytes
    assert largest is not None
    assert largest > 31 * GIB


def test_rss_is_what_ps_shows_though_the_largest_process_was_not_read() -> None:
    """It was 600 KiB beside a process of 39 GiB."""
    ladder = told("43-mmapped-database").pod().ladder
    assert ladder is not None
    rss = ladder.rungs[0].bytes
    assert rss is not None
    assert rss > 38 * GIB
    assert ladder.steps[0].closed
    assert "raise --process-ceiling" in told("43-mmapped-database").words


def test_a_kernel_without_smaps_rollup_is_named_and_pss_is_unknown() -> None:
    said = told("38-no-page-monitor")
    sums = said.container("app").sums
    assert sums is not None
    assert (sums.pss_bytes, sums.vanished, sums.read) == (None, 0, 0)
    rungs = {rung.rung: rung.bytes for rung in said.pod().ladder.rungs}  # type: ignore[union-attr]
    assert rungs["pss"] is None
    assert rungs["rss"] is not None
    assert rungs["rss"] > 300 << 20
    assert [(each.kind, each.reason) for each in said.snapshot.missing] == [("node", "unsupported")]
    assert "moved away" not in said.words
    assert "SYS_PTRACE" not in said.words
