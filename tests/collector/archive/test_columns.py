from memcollect.archive.columns import TABLES, columns_of
from worlds import archive_page


def test_the_page_describes_every_column_and_no_other() -> None:
    page = archive_page.PAGE.read_text(encoding="utf-8")
    assert page.endswith(archive_page.tables())


def test_rows_of_a_pod_begin_alike_in_every_table() -> None:
    begins = {
        table: [column.name for column in columns_of(table)][:4] for table in TABLES if table != "snapshots"
    }
    assert set(map(tuple, begins.values())) == {("snapshot", "pod_uid", "namespace", "pod")}
    for table in ("terms", "steps", "processes"):
        assert [column.name for column in columns_of(table)][4:6] == ["container", "container_id"]
