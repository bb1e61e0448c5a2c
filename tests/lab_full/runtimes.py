"""Runs in the guest: real runtimes, each with one container of the truthful program.

    python3 -m lab_full.runtimes PROGRAM RESULTS [RUNTIME …]

A runtime that fails leaves the reason, and the others run all the same. No runtime has a network; all their
images are one directory with the program in it.
"""

import json
import os
import shutil
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import msgspec

from lab.stage import FLUSH_SECONDS
from lab_full.runtime_host import (
    CGROUPS,
    PROGRAM,
    ROOTS,
    archive,
    as_user,
    container,
    end,
    linger,
    of_stats,
    of_systemctl,
    root,
    run,
    start_inside,
    unit_as_user,
    until,
    wait_for,
    words,
)
from lab_full.runtime_truth import Ran, Session, Started
from memcollect.documents.snapshot import Snapshot
from memcollect.lab.layout import ContainerSpec, Layout, PodSpec
from memcollect.units import MIB
from worlds import children

_DOCKER = {
    "bridge": "none",
    "iptables": False,
    "ip6tables": False,
    "runtimes": {"runsc": {"path": "/usr/bin/runsc", "runtimeArgs": ["--network=none"]}},
}
IN_POD = PodSpec(name="lab-dind", containers=[ContainerSpec(name="dind")])
_SNAPSHOT_SECONDS = 900.0
_LXC = """
lxc.uts.name = {name}
lxc.rootfs.path = dir:{root}
lxc.net.0.type = empty
lxc.mount.auto = proc
lxc.apparmor.profile = unconfined
lxc.init.cmd = /workload anon {size} stay
"""


def system_service() -> Started:
    started = Started(name="lab-service.service", size=23 * MIB, cgroup="lab-service.service")
    run("systemd-run", f"--unit={started.name}", "--service-type=exec", *words(started, str(PROGRAM)))
    wait_for(started)
    return started


def user_service() -> Started:
    started = Started(name="lab-user.service", size=27 * MIB, cgroup="lab-user.service")
    linger()
    unit_as_user(started.name, "exec", *words(started, str(PROGRAM)))
    wait_for(started)
    return started


def docker() -> Started:
    _start_docker()
    started = Started(name="lab-docker", size=31 * MIB, cgroup="")
    identity = run("docker", "run", "-d", "--name", started.name, "--network=none", *words(started, "lab"))
    return container(started, identity)


def docker_in_a_pod() -> Started:
    """A daemon that is a pod's, with the node's cgroups before it: its containers lie outside of the pod.

    With a containerd of its own, as the image docker:dind has: the node's would start the shims.
    """
    _configure_docker()
    inside = Layout(CGROUPS).place(IN_POD).containers["dind"]
    state = Path("/run/lab-dind")
    state.mkdir(exist_ok=True)
    (state / "containerd.toml").write_text('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
    address = f"{state}/containerd.sock"
    options = ["--config", f"{state}/containerd.toml", "--address", address]
    start_inside(inside, "containerd", *options, "--root", f"{state}/root", "--state", f"{state}/state")
    until(Path(address).exists, f"{address} is not there")
    host = f"unix://{state}/docker.sock"
    options = ["-H", host, "--containerd", address, "--exec-opt", "native.cgroupdriver=cgroupfs"]
    options += ["--data-root", f"{state}/data", "--exec-root", f"{state}/exec", "-p", f"{state}/docker.pid"]
    start_inside(inside, "dockerd", *options)
    until(Path(f"{state}/docker.sock").exists, f"{host} is not there")
    started = Started(name="lab-inside", size=57 * MIB, cgroup="", starter=IN_POD.uid.replace("-", "_"))
    run("docker", "-H", host, "import", str(archive()), "lab")
    command = ["docker", "-H", host, "run", "-d", "--name", started.name, "--network=none"]
    return container(started, run(*command, *words(started, "lab")))


def docker_with_gvisor() -> Started:
    _start_docker()
    started = Started(name="lab-gvisor", size=35 * MIB, cgroup="", beside=8 * MIB)
    options = ["--runtime=runsc", "--network=none"]
    identity = run("docker", "run", "-d", "--name", started.name, *options, *words(started, "lab"))
    return container(started, identity)


def podman() -> Started:
    started = Started(name="lab-podman", size=39 * MIB, cgroup="")
    run("podman", "import", str(archive()), "lab")
    identity = run("podman", "run", "-d", "--name", started.name, "--network=none", *words(started, "lab"))
    return container(started, identity)


def podman_rootless() -> Started:
    linger()
    started = Started(name="lab-rootless", size=43 * MIB, cgroup="")
    as_user("podman", "import", str(archive()), "lab")
    # As podman's own units start theirs, so that conmon is the service's main process and stays.
    options = ["-d", "--sdnotify=conmon", "--name", started.name, "--network=none"]
    unit_as_user("lab-podman-rootless", "notify", "podman", "run", *options, *words(started, "lab"))
    return container(started, as_user("podman", "inspect", "--format", "{{.Id}}", started.name))


def containerd() -> Started:
    started = Started(name="lab-ctr", size=47 * MIB, cgroup="default/lab-ctr")
    run("systemctl", "start", "containerd")
    command = ["ctr", "run", "-d", "--null-io", "--rootfs", str(root("ctr")), started.name]
    run(*command, *words(started, "/workload"))
    wait_for(started)
    return started


def lxc() -> Started:
    started = Started(name="lab-lxc", size=51 * MIB, cgroup="lxc.payload.lab-lxc")
    configuration = ROOTS / "lxc.conf"
    configuration.write_text(_LXC.format(name=started.name, root=root("lxc"), size=started.size))
    run("lxc-start", "-n", started.name, "-f", str(configuration), "-d")
    wait_for(started)
    return started


def nspawn() -> Started:
    started = Started(name="lab-nspawn", size=55 * MIB, cgroup="machine-lab\\x2dnspawn.scope")
    options = ["--quiet", "-D", str(root("nspawn")), "-M", started.name, "--as-pid2", "--console=pipe"]
    options.append("--private-network")
    command = ["systemd-run", "--unit=lab-nspawn", "--service-type=exec", "systemd-nspawn", *options]
    run(*command, *words(started, "/workload"))
    wait_for(started)
    return started


SERVICES: dict[str, Callable[[], Started]] = {
    "system service": system_service,
    "user service": user_service,
}
CONTAINERS: dict[str, Callable[[], Started]] = {
    "docker": docker,
    "podman": podman,
    "podman, rootless": podman_rootless,
    "containerd": containerd,
    "LXC": lxc,
    "systemd-nspawn": nspawn,
    # The last: at rest, too, it takes half of an emulated processor.
    "docker with gVisor": docker_with_gvisor,
}
IN_PODS: dict[str, Callable[[], Started]] = {"docker in a pod": docker_in_a_pod}
"""What is found with the pod that has started it, and not as a row of its own."""
TOOLS: dict[str, Callable[[Started], int]] = {
    "system service": of_systemctl,
    "docker": of_stats("docker"),
    "podman": of_stats("podman"),
    "podman, rootless": of_stats("podman", as_user),
    "docker with gVisor": of_stats("docker"),
}
"""What is asked for its own number of what it runs."""
_VERSIONS = {
    "system service": ["systemctl", "--version"],
    "docker": ["docker", "--version"],
    "docker in a pod": ["docker", "--version"],
    "docker with gVisor": ["runsc", "--version"],
    "podman": ["podman", "--version"],
    "containerd": ["containerd", "--version"],
    "LXC": ["lxc-start", "--version"],
    "systemd-nspawn": ["systemd-nspawn", "--version"],
}


def ran(runtime: str, play: Callable[[], Started]) -> Ran:
    """Return what a runtime started, or why it did not."""
    began = time.monotonic()
    version = ""
    try:
        version = run(*_VERSIONS[runtime]).splitlines()[0] if runtime in _VERSIONS else ""
        document = Ran(runtime=runtime, version=version, started=play())
    except Exception:  # noqa: BLE001 -- the next runtime runs whatever this one met
        document = Ran(runtime=runtime, version=version, error=traceback.format_exc())
    said = "failed" if document.error else "runs"
    sys.stdout.write(f"{runtime} {said} {time.monotonic() - began:.1f}s\n")
    sys.stdout.flush()
    return document


def snapshot() -> Snapshot:
    """Return what the command says of this machine."""
    time.sleep(FLUSH_SECONDS)
    command = ["memcollect", "snapshot", "--local", "--timeout", "600", "--format", "json"]
    done = children.run(command, timeout=_SNAPSHOT_SECONDS)
    if not done.stdout:
        raise RuntimeError(f"memcollect ended with {done.returncode}: {done.stderr}")
    return msgspec.json.decode(done.stdout, type=Snapshot)


def main(program: str, results: Path, names: list[str]) -> None:
    """Run those named (none: all), measure twice, and end all: others play on this machine after it."""
    ROOTS.mkdir(exist_ok=True)
    shutil.copy(program, PROGRAM)
    services, first = _measured(SERVICES, names)
    containers, second = _measured(IN_PODS | CONTAINERS, names)
    document = Session(
        kernel=os.uname().release,
        ran=services + containers,
        services=first,
        containers=second,
    )
    results.mkdir(parents=True, exist_ok=True)
    (results / f"{time.time_ns()}.json").write_bytes(msgspec.json.encode(document))
    end([each.started for each in services + containers if each.started])
    Layout(CGROUPS).remove_all()


def _measured(
    runtimes: dict[str, Callable[[], Started]], names: list[str]
) -> tuple[list[Ran], Snapshot | None]:
    """Run those of `runtimes` that are named; what is there then is looked at if one of them was tried."""
    tried = [ran(name, play) for name, play in runtimes.items() if name in names or not names]
    if not tried:
        return [], None
    # Asked on both sides of it, since what runs goes on: gVisor's Sentry grew by 2 MiB in a minute.
    before = [asked(each) for each in tried]
    taken = snapshot()
    return [asked(each) for each in before], taken


def asked(document: Ran) -> Ran:
    """Return the document with what the runtime's own tool says now, where there is one and it says so."""
    tool, started = TOOLS.get(document.runtime), document.started
    if tool is None or started is None:
        return document
    try:
        said = [*started.tool_bytes, tool(started)]
    except Exception:  # noqa: BLE001 -- what the other tools say is kept whatever this one met
        return msgspec.structs.replace(document, error=traceback.format_exc())
    return msgspec.structs.replace(document, started=msgspec.structs.replace(started, tool_bytes=said))


def _configure_docker() -> None:
    configuration = Path("/etc/docker/daemon.json")
    if not configuration.exists():
        configuration.parent.mkdir(exist_ok=True)
        configuration.write_text(json.dumps(_DOCKER))


def _start_docker() -> None:
    _configure_docker()
    run("systemctl", "start", "docker")
    if not run("docker", "images", "-q", "lab"):
        run("docker", "import", str(archive()), "lab")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
