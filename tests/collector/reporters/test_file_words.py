import msgspec

from memcollect.explain import explain
from memcollect.reporters import html, markdown, table
from memcollect_agent.wire import CgroupPages, FilesGap, FileUse, Payer, PodFiles
from worlds.builders import MIB, container, pod, snapshot

HOSTILE = "/srv/<script>|`x`\\x1b[31m/" + "y" * 90 + "/weights.bin"
FILES = PodFiles(
    files=[
        FileUse(
            path=HOSTILE,
            place="volume",
            volume="models",
            volume_kind="csi",
            device=8,
            inode=5,
            by="cachestat",
            resident_low_bytes=40 * MIB,
            resident_high_bytes=40 * MIB,
            payers=[
                Payer(cgroup_inode=1, path="/pod/app", bytes=30 * MIB),
                Payer(cgroup_inode=2, bytes=10 * MIB),
            ],
        ),
        *(
            FileUse(path=f"/lib/{n}.so", place="mapped", by="smaps", resident_low_bytes=MIB, pids=[n])
            for n in range(1, 12)
        ),
    ],
    others=3,
    others_bytes=2 * MIB,
    gaps=[FilesGap(place="/mnt/nfs", reason="unsafe", detail="may hang")],
    before={"file": 64 * MIB, "shmem": 0},
    after={"file": 64 * MIB, "shmem": 0},
)
SHOWN = explain(snapshot(pod(container(), files=FILES, file_payers={"2": "ns/neighbour"})))


def test_the_terminal_shows_ten_and_what_the_others_are_within_80_columns() -> None:
    text = table.render(SHOWN, width=80)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    begin = lines.index("Files behind page cache and tmpfs")
    shown = lines[begin + 1 :]
    assert shown[0].startswith("    30.0 MiB  /srv/")
    assert "weights.bin (volume models" in shown[0]
    assert shown[9].startswith("   ≥ 1.0 MiB  /lib/9.so (mapped, PID 9)")
    assert shown[10] == "     4.0 MiB  5 others"
    assert "30.0–64.0 MiB of it is in these files" in " ".join(" ".join(shown[11:14]).split())
    assert any("? /mnt/nfs: may hang." in line for line in shown)


def test_all_files_are_shown_where_that_is_asked_for() -> None:
    assert "/lib/11.so" in table.render(SHOWN, whole=frozenset({"files"}))
    assert "/lib/11.so" not in table.render(SHOWN)


def test_who_else_pays_is_named_on_the_wide_pages_and_names_are_escaped() -> None:
    for text in (markdown.render(SHOWN), html.render(SHOWN)):
        assert "ns/neighbour pays 10.0 MiB" in text.replace("\\", "")
        assert "<script>|" not in text.replace("`" + HOSTILE, "")
        assert "/lib/11.so" in text


def test_without_files_no_page_has_the_heading() -> None:
    bare = explain(snapshot(msgspec.structs.replace(SHOWN.pods[0], files=None)))
    for text in (table.render(bare), markdown.render(bare), html.render(bare)):
        assert "Files behind" not in text


def test_what_was_counted_page_by_page_is_told_by_its_lists_and_what_could_not_be_with_its_reason() -> None:
    pages = [
        CgroupPages(
            path="/pod/app", active_file_bytes=9 * MIB, inactive_file_bytes=50 * MIB, dirty_bytes=MIB
        ),
        CgroupPages(path="/pod", inactive_file_bytes=5 * MIB, shmem_bytes=3 * MIB),
    ]
    counted = msgspec.structs.replace(FILES, pages=pages)
    unknown = msgspec.structs.replace(FILES, pages_unknown="this machine has more pages")
    for render in (table.render, markdown.render, html.render):
        told, untold = (
            " ".join(render(explain(snapshot(pod(container(), files=each)))).split())
            for each in (counted, unknown)
        )
        assert (
            "Counted page by page: 9.0 MiB of page cache on the active list, 55.0 MiB of page cache on the "
            "inactive list, 3.0 MiB of tmpfs and shared memory, 1.0 MiB of the page cache not written yet."
        ) in told
        assert "known of memory.stat alone: this machine has more pages." in untold.replace("\\", "")
