"""The image as the manifests start it, on a real kernel: what it can do, what fails without each right."""

import copy
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lab.deploy_agents import DEEP, Plan, Ran, Result
from lab.deploy_bundle import runtime_config
from lab.deploy_capabilities import outcomes_of
from lab.deploy_image import Image, build, seccomp_profile
from lab.deploy_rights import AGENTS, TARGETS
from memcollect.lab import uml
from memcollect.lab.errors import LabError
from memcollect.lab.kernels import Kernel
from worlds import children, manifests

pytestmark = pytest.mark.lab

HERD = 10_000
PERFMON_SINCE = (6, 15)
"""Linux commit "mm,procfs: allow read-only remote mm access under CAP_PERFMON" (kernel/fork.c, mm_access)."""
SYS_PTRACE = f"{1 << 19:016x}"
OF_THE_FILES_POD = f"{1 << 2 | 1 << 3 | 1 << 19:016x}"
"""DAC_READ_SEARCH, FOWNER, SYS_PTRACE (uapi/linux/capability.h)."""
FIELDS = {"spec.nodeName": "lab-node", "status.podIP": "127.0.0.1"}
Pod = dict[str, Any]


def _without_ptrace(pod: Pod) -> None:
    del pod["containers"][0]["securityContext"]["capabilities"]["add"]


def _without_host_pid(pod: Pod) -> None:
    del pod["hostPID"]


def _without_mount(pod: Pod) -> None:
    pod["volumes"] = pod["containers"][0]["volumeMounts"] = []


def _with_other_user(pod: Pod) -> None:
    pod["containers"][0]["securityContext"] |= {"runAsUser": 65534, "runAsGroup": 65534}


CHANGES: dict[str, Callable[[Pod], None]] = {
    "base": lambda _pod: None,
    "without SYS_PTRACE": _without_ptrace,
    "without hostPID": _without_host_pid,
    "without the mount": _without_mount,
    "as another user": _with_other_user,
}


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    try:
        return build(tmp_path_factory.mktemp("image"))
    except LabError as error:
        if os.environ.get("MEMCOLLECT_REQUIRE_LAB") and os.getuid() == 0:
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


def _container(pod: Pod, image: Image) -> dict[str, Any]:
    return runtime_config(pod, image.config, "/run/data", FIELDS, seccomp_profile())


def _play(kernel: Kernel, image: Image, directory: Path, plan: Plan, memory_bytes: int) -> Result:
    if kernel.release.startswith("5.10."):
        pytest.skip("runc starts itself from a memfd, which User-Mode Linux 5.10 refuses")
    (directory / "plan.json").write_bytes(msgspec.json.encode(plan))
    places = [str(directory / name) for name in ("plan.json", "result.json")]
    machine = uml.Machine(
        kernel=kernel,
        command=[sys.executable, "-m", "lab.deploy_agents", *places],
        memory_bytes=memory_bytes,
        disk_bytes=128 << 20,
        disk_content=str(image.rootfs),
        time_limit_seconds=1200,
    )
    _boot(machine)
    return msgspec.json.decode((directory / "result.json").read_bytes(), type=Result)


def _boot(machine: uml.Machine) -> None:
    said: list[str] = []
    outcome = uml.boot(machine, said.append)
    assert outcome.exit_code == 0, "\n".join([*said, *outcome.errors, outcome.kernel_log[-2000:]])
    sys.stdout.write("\n".join(said))


@pytest.fixture(scope="session")
def deployed(kernel: Kernel, image: Image, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The base's variants, the privileged overlay and the pod for files, each in turn among ordinary pods."""
    base = manifests.pod_spec(manifests.rendered("base"))
    containers = {}
    for name, change in CHANGES.items():
        pod = copy.deepcopy(base)
        change(pod)
        containers[name] = _container(pod, image)
    privileged = manifests.pod_spec(manifests.rendered("overlays/privileged"))
    containers["privileged"] = _container(privileged, image)
    containers["files pod"] = _container(manifests.files_pod("base")["spec"], image)
    plan = Plan(containers=containers, hostile="")
    return _play(kernel, image, tmp_path_factory.mktemp("deployed"), plan, 1 << 30)


def _outcomes(deployed: Result, variant: str) -> dict[str, str]:
    sample = deployed.ran[variant].sample
    assert sample is not None, deployed.ran[variant].refusal
    outcomes = outcomes_of(sample.pods)
    return {name: outcomes[uid] for name, uid in deployed.uids.items()}


@pytest.mark.parametrize("variant", ["base", "privileged", "files pod"])
def test_the_agent_as_deployed_reads_every_pods_processes(deployed: Result, variant: str) -> None:
    assert _outcomes(deployed, variant) == dict.fromkeys(TARGETS, "read")
    sample = deployed.ran[variant].sample
    assert sample is not None
    assert sample.problems == []
    assert sample.node.name == "lab-node"


def test_without_the_capability_only_what_has_as_little_is_read(deployed: Result) -> None:
    expected = {name: "read" if name == "root, no capabilities" else "denied" for name in TARGETS}
    assert _outcomes(deployed, "without SYS_PTRACE") == expected


def test_another_user_is_denied_everything_although_the_manifest_grants_the_capability(
    deployed: Result,
) -> None:
    assert deployed.ran["as another user"].capabilities == f"{0:016x}"
    assert _outcomes(deployed, "as another user") == dict.fromkeys(TARGETS, "denied")


def test_without_the_hosts_process_numbers_no_process_can_be_named(deployed: Result) -> None:
    assert _outcomes(deployed, "without hostPID") == dict.fromkeys(TARGETS, "unreadable")


def test_without_the_mount_the_node_cannot_be_measured(deployed: Result) -> None:
    ran = deployed.ran["without the mount"]
    assert ran.status == [500]
    assert "holds no cgroup tree" in ran.refusal


def test_the_base_runs_with_one_capability_filtered_calls_and_a_root_it_cannot_write(
    deployed: Result,
) -> None:
    ran = deployed.ran["base"]
    assert (ran.capabilities, ran.no_new_privileges, ran.seccomp) == (SYS_PTRACE, "1", "2")
    assert "ro" in ran.root_options.split(",")


def test_the_pod_for_files_runs_with_two_capabilities_more_and_nothing_else(deployed: Result) -> None:
    ran = deployed.ran["files pod"]
    assert (ran.capabilities, ran.no_new_privileges, ran.seccomp) == (OF_THE_FILES_POD, "1", "2")
    assert "ro" in ran.root_options.split(",")


def test_the_agent_is_silent_and_ends_well_when_told_to(deployed: Result) -> None:
    for variant in ("base", "privileged", "files pod"):
        assert (deployed.ran[variant].exit_code, deployed.ran[variant].log) == (0, "")


def test_the_image_is_small_and_has_nothing_to_run_but_the_interpreter(image: Image) -> None:
    sys.stdout.write(f"{image.compressed_bytes} bytes compressed\n")
    assert image.compressed_bytes < 80_000_000
    programs = {
        file.name
        for file in image.rootfs.rglob("*")
        if file.is_file() and not file.is_symlink() and file.stat().st_mode & 0o111 and ".so" not in file.name
    }
    assert {name for name in programs if not re.fullmatch(r"python3\.\d+", name)} == set()


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(
            "import ctypes; ctypes.CDLL('libgcc_s.so.1')", id="glibc aborts where a thread ends without"
        ),
        pytest.param("import prometheus_client.exposition", id="the overlay with metrics needs it"),
    ],
)
def test_what_is_loaded_late_is_there(image: Image, program: str) -> None:
    if os.getuid() != 0:
        pytest.skip("only root may change the root directory")
    command = ["chroot", str(image.rootfs), "/opt/memcollect/bin/python", "-I", "-c", program]
    done = children.run(command)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_image_holds_the_agent_and_not_the_collector_nor_a_package_manager(image: Image) -> None:
    (packages,) = image.rootfs.glob("opt/memcollect/lib/python3.*/site-packages")
    found = {each.name for each in packages.iterdir() if not each.name.endswith(".dist-info")}
    assert found == {"memcollect_agent", "msgspec", "prometheus_client", "waitress"}
    unwanted = [each for name in ("pip", "ensurepip", "libreadline*") for each in image.rootfs.rglob(name)]
    assert unwanted == []


def test_the_image_says_which_debian_packages_it_holds(image: Image) -> None:
    records = list((image.rootfs / "var/lib/dpkg/status.d").iterdir())
    assert "libc6" in {each.name for each in records}
    for record in records:
        assert re.search(r"^Version: \S", record.read_text(), re.MULTILINE)


@pytest.fixture(scope="session")
def besieged(kernel: Kernel, image: Image, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The base among hostile neighbours, asked three times; its neighbours' samples are in the last."""
    directory = tmp_path_factory.mktemp("besieged")
    program = directory / "hostile"
    source = Path(__file__).parent / "hostile.c"
    children.run(["gcc", "-O1", "-static", "-s", "-o", program, source], check=True)
    base = manifests.pod_spec(manifests.rendered("base"))
    plan = Plan(containers={"base": _container(base, image)}, hostile=str(program), herd=HERD, samples=3)
    result = _play(kernel, image, directory, plan, 6 << 30)
    ran = result.ran["base"]
    assert ran.sample is not None, ran.refusal
    names = {uid: name for name, uid in result.uids.items()}
    pods = [msgspec.structs.replace(pod, uid=names.get(pod.uid, "agent")) for pod in ran.sample.pods]
    return msgspec.structs.replace(ran, sample=msgspec.structs.replace(ran.sample, pods=pods))


def _app(besieged: Ran, name: str) -> Any:
    assert besieged.sample is not None
    (pod,) = [each for each in besieged.sample.pods if each.uid == name]
    return max(pod.containers, key=lambda each: each.sums.listed if each.sums else 0)


def test_hostile_neighbours_are_sampled_without_a_problem(besieged: Ran) -> None:
    assert besieged.status == [200, 200, 200]
    assert besieged.sample is not None
    assert besieged.sample.problems == []
    assert besieged.log == ""


def test_every_one_of_ten_thousand_processes_is_read_within_the_budget(besieged: Ran) -> None:
    sums = _app(besieged, "herd").sums
    assert (sums.listed, sums.read, sums.skipped) == (HERD + 1, HERD + 1, [])


def test_names_and_arguments_arrive_without_control_characters_or_secrets(besieged: Ran) -> None:
    processes = _app(besieged, "names").processes
    assert processes
    for process in processes:
        text = f"{process.comm} {process.command} {process.exe}"
        assert text.isprintable()
        assert "hunter2" not in text


def test_a_very_long_command_line_arrives_short(besieged: Ran) -> None:
    (process,) = _app(besieged, "long").processes
    assert process.command is not None
    assert len(process.command) < 1000


def test_processes_deep_below_a_container_are_counted(besieged: Ran) -> None:
    app = _app(besieged, "deep")
    assert app.sums.read == 2
    assert all(process.cgroup.count("/") == DEEP for process in app.processes)


def test_what_ends_while_it_is_read_is_counted_and_nothing_else(besieged: Ran) -> None:
    sums = _app(besieged, "churn").sums
    assert sums.read + sums.vanished + sums.zombies == sums.listed
    assert sums.skipped == []


def test_the_agents_memory_limit_is_never_reached(besieged: Ran) -> None:
    sys.stdout.write(f"peak {besieged.peak_bytes >> 20} MiB, RSS {besieged.rss_bytes >> 20} MiB\n")
    assert besieged.limit_hits == 0


@pytest.fixture(scope="session")
def matrix(kernel: Kernel, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    result = tmp_path_factory.mktemp("capabilities") / "matrix.json"
    _boot(uml.Machine(kernel=kernel, command=[sys.executable, "-m", "lab.deploy_capabilities", str(result)]))
    return msgspec.json.decode(result.read_bytes(), type=dict[str, dict[str, str]])


def test_the_capability_matrix_is_as_the_security_document_says(
    matrix: dict[str, dict[str, str]], kernel: Kernel
) -> None:
    older, newer = documented_matrices()
    assert matrix == (older | newer if _version(kernel) >= PERFMON_SINCE else older)


def _version(kernel: Kernel) -> tuple[int, ...]:
    return tuple(int(part) for part in kernel.release.split(".")[:2])


def documented_matrices() -> list[dict[str, dict[str, str]]]:
    """Return the tables of docs/security.md whose first column is the agent's rights."""
    text = (manifests.DEPLOY.parent / "docs/security.md").read_text()
    tables: list[dict[str, dict[str, str]]] = []
    header: list[str] = []
    for line in text.splitlines():
        first, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        if first == "the agent as":
            header = cells
            tables.append({})
        elif first in AGENTS and tables:
            tables[-1][first] = dict(zip(header, cells, strict=True))
    return tables
