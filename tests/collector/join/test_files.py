from memcollect.documents.snapshot import Container, Pod
from memcollect.join.files import files_missing, with_neighbours
from memcollect_agent.wire import Cgroup, FilesGap, FileUse, Payer, PodFiles


def row(name: str, inode: int, files: PodFiles | None) -> Pod:
    app = Container(name="app", cgroup=Cgroup(path=f"/{name}/app", inode=inode))
    return Pod(uid=name, name=name, namespace="ns", node="n", containers=[app], files=files)


MODEL = FileUse(
    path="/model",
    place="volume",
    device=8,
    inode=33,
    payers=[Payer(cgroup_inode=2, bytes=9), Payer(cgroup_inode=1, path="/a/app", bytes=1)],
)
NAMELESS = FileUse(path="files", place="rest", device=9, inode=0)


def test_who_else_has_a_file_and_who_pays_for_it_is_told_by_the_pods_names() -> None:
    files = PodFiles(files=[MODEL, NAMELESS])
    first, second, third = with_neighbours([row("a", 1, files), row("b", 2, files), row("c", 3, None)])
    assert first.file_payers == {"2": "ns/b"}
    assert (first.file_sharers, second.file_sharers) == ({"8:33": ["ns/b"]}, {"8:33": ["ns/a"]})
    assert (third.file_payers, third.file_sharers) == ({}, {})


def test_pods_without_files_stay_as_they_are() -> None:
    rows = [row("a", 1, None)]
    assert with_neighbours(rows) == rows


def test_each_reason_is_missing_once_with_its_places() -> None:
    gaps = [FilesGap(place=f"/{at}", reason="denied", detail="needs FOWNER") for at in "abcde"]
    gaps += [FilesGap(place="", reason="budget", detail="too many")]
    denied, budget = files_missing(row("a", 1, PodFiles(gaps=gaps)))
    assert (denied.kind, denied.name, denied.reason) == ("file list", "ns/a", "denied")
    assert denied.detail == "of /a, /b, /c and 2 more: needs FOWNER"
    assert budget.detail == "too many"
    assert files_missing(row("a", 1, None)) == []
