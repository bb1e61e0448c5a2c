import pytest

from memcollect.documents.snapshot import Container, Pod, Service
from memcollect.services import Entry, default_table, with_services
from memcollect.services.group import group
from memcollect_agent.wire import Process, ProcessSums

MIB = 1 << 20
TABLE = default_table()


def process(pid: int, command: str, ppid: int = 0, pss: int | None = MIB, comm: str = "x") -> Process:
    return Process(
        pid=pid,
        ppid=ppid,
        start_time=0.0,
        comm=comm,
        command=command or None,
        pss_bytes=pss,
        pss_anon_bytes=pss,
    )


def names(*processes: Process) -> dict[str, int]:
    return {each.name: each.processes for each in group(processes, None, TABLE)}


@pytest.mark.parametrize(
    ("command", "service"),
    [
        ("/usr/bin/python3 /usr/bin/supervisord -n", "supervisor"),
        ("nginx: worker process", "nginx"),
        ("/usr/bin/python3 /usr/local/bin/jupyter-lab --port 8888", "Jupyter"),
        ("python3 -m ipykernel_launcher -f x.json", "Jupyter"),
        ("/usr/lib/code-server/lib/node /usr/lib/code-server/out/node/entry", "code-server"),
        ("/usr/lib/chromium/chromium --type=renderer", "Chromium"),
        ("/opt/google/chrome/chrome --headless", "Chromium"),
        ("Xvnc :99", "VNC"),
        ("python3 /usr/bin/websockify 6080", "VNC"),
        ("node /usr/bin/mcp-server-browser", "MCP"),
        ("/opt/opensandbox/execd --port 44772", "execd"),
        ("my-own-server", "other"),
        ("", "other"),
    ],
)
def test_a_process_is_told_by_its_program_or_a_word(command: str, service: str) -> None:
    assert names(process(1, command)) == {service: 1}


def test_a_child_is_of_its_parents_service_but_not_of_a_supervisors() -> None:
    found = names(
        process(1, "supervisord"),
        process(2, "jupyter-lab", 1),
        process(3, "bash", 2),
        process(4, "sleep 9", 3),
        process(5, "bash", 1),
    )
    assert found == {"supervisor": 1, "Jupyter": 3, "other": 1}


def test_parents_that_go_round_in_a_circle_end() -> None:
    assert names(process(1, "a", 2), process(2, "b", 1)) == {"other": 2}


def test_the_largest_comes_first_and_what_is_left_over_last() -> None:
    processes = [
        process(1, "nginx", pss=MIB),
        process(2, "chromium", pss=9 * MIB),
        process(3, "own", pss=4 * MIB),
    ]
    sums = ProcessSums(read=5, pss_bytes=20 * MIB, pss_anon_bytes=20 * MIB)
    services = group(processes, sums, TABLE)
    assert [(each.name, each.processes, each.pss_bytes) for each in services] == [
        ("Chromium", 1, 9 * MIB),
        ("nginx", 1, MIB),
        ("other", 1, 4 * MIB),
        ("unlisted", 2, 6 * MIB),
    ]
    assert services[-1].pss_file_bytes is None


def test_a_size_that_one_process_does_not_tell_is_unknown_of_its_service() -> None:
    (service,) = group([process(1, "nginx"), process(2, "nginx", pss=None)], None, TABLE)
    assert service == Service(name="nginx", processes=2)


def test_a_users_entry_comes_before_the_packages() -> None:
    own = Entry(name="Mine", programs=["nginx"])
    assert [each.name for each in group([process(1, "nginx")], None, (own, *TABLE))] == ["Mine"]


def test_only_containers_with_listed_processes_have_services() -> None:
    pod = Pod(
        uid="u",
        name="p",
        containers=[Container(name="a", processes=[process(1, "nginx")]), Container(name="b")],
    )
    assert [[s.name for s in each.services] for each in with_services(pod, TABLE).containers] == [
        ["nginx"],
        [],
    ]
