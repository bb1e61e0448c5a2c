"""Runs in the guest: the image, started as each manifest says, among pods that it has to sample.

    python -m lab.deploy_agents PLAN RESULT

The kubelet's part is played here (the pod's cgroup, the container runtime's configuration is in the plan);
the container is run by runc, and asked from inside its network namespace as a port-forward would.
"""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from lab.deploy_rights import TARGETS
from lab.deploy_targets import start_targets
from memcollect.lab import cgroups
from memcollect.lab.layout import ContainerSpec, Layout, PlacedPod, PodSpec
from memcollect.lab.processes import Tenant
from memcollect_agent.wire import NodeSample, SampleRequest

ROOT = Path("/sys/fs/cgroup")
READY_SECONDS = 30.0
DEEP = 30


class Plan(Struct, frozen=True, kw_only=True):
    """What the host asks for."""

    containers: dict[str, dict[str, Any]]
    """The runtime's configuration, by the name of the variant."""
    hostile: str
    """The program of the bad neighbours; "" for the good ones."""
    herd: int = 0
    samples: int = 1


class Ran(Struct, frozen=True, kw_only=True):
    """What was seen of one variant."""

    started_seconds: float
    status: list[int]
    took_seconds: list[float]
    sample: NodeSample | None
    refusal: str
    peak_bytes: int
    rss_bytes: int
    limit_hits: int
    capabilities: str
    """CapEff of /proc/PID/status."""
    no_new_privileges: str
    seccomp: str
    root_options: str
    exit_code: int
    log: str


class Result(Struct, frozen=True, kw_only=True):
    """Everything the tests look at."""

    uids: dict[str, str]
    """Of each neighbour, by its name."""
    ran: dict[str, Ran]


def main(plan: Plan, result: Path) -> None:
    """Start the neighbours, then each variant in turn."""
    layout = Layout(ROOT)
    neighbours = _hostile(layout, plan) if plan.hostile else _ordinary(layout)
    ran = {name: _run(layout, config, plan.samples) for name, config in plan.containers.items()}
    uids = {name: pod.spec.uid for name, pod in neighbours.items()}
    result.write_bytes(msgspec.json.encode(Result(uids=uids, ran=ran)))


def _ordinary(layout: Layout) -> dict[str, PlacedPod]:
    pods = {name: _place(layout, name) for name in TARGETS}
    start_targets({name: pod.containers["app"] for name, pod in pods.items()})
    return pods


def _place(layout: Layout, name: str) -> PlacedPod:
    return layout.place(PodSpec(name=name, driver="cgroupfs", containers=[ContainerSpec(name="app")]))


def _hostile(layout: Layout, plan: Plan) -> dict[str, PlacedPod]:
    Path("/proc/sys/kernel/pid_max").write_text("60000")
    Path("/proc/sys/kernel/threads-max").write_text("60000")
    words = {
        "names": "names",
        "long": "long 100000",
        "herd": f"herd {plan.herd}",
        "churn": "churn",
        "deep": "herd 1",
    }
    pods = {name: _place(layout, name) for name in words}
    for name, each in words.items():
        cgroup = pods[name].containers["app"]
        if name == "deep":
            cgroup = cgroup.joinpath(*(f"level-{level}" for level in range(DEEP)))
            cgroup.mkdir(parents=True)
        began = time.monotonic()
        Tenant(cgroup, [plan.hostile, *each.split()]).wait_ready()
        sys.stdout.write(f"{name} ready after {time.monotonic() - began:.1f} s\n")
        sys.stdout.flush()
    return pods


def _run(layout: Layout, config: dict[str, Any], samples: int) -> Ran:
    pod = _place(layout, "memcollect-agent")
    cgroup = pod.containers["app"]
    cgroup.rmdir()
    config["linux"]["cgroupsPath"] = "/" + str(cgroup.relative_to(ROOT))
    bundle = Path("/run/bundle")
    bundle.mkdir(exist_ok=True)
    (bundle / "config.json").write_text(json.dumps(config))
    log = Path("/run/agent.log")
    began = time.monotonic()
    with log.open("wb") as output:
        command = ["runc", "--root", "/run/runc", "run", "--bundle", str(bundle), "agent"]
        runtime = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    pid = _pid_in(cgroup, runtime, log)
    health = "off" if "--health-listen=off" in config["process"]["args"] else "on"
    answers = [_ask(pid, began, health) for _ in range(samples)]
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    root = next(
        line.split()
        for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
        if line.split()[4] == "/"
    )
    peak = int((cgroup / "memory.peak").read_text())
    events = dict(line.split() for line in (cgroup / "memory.events").read_text().splitlines())
    os.kill(pid, 15)
    code = runtime.wait(timeout=60)
    last = answers[-1]
    good = last["status"] == 200
    ran = Ran(
        started_seconds=answers[0]["started"],
        status=[each["status"] for each in answers],
        took_seconds=[each["took"] for each in answers],
        sample=msgspec.json.decode(last["body"], type=NodeSample) if good else None,
        refusal="" if good else last["body"],
        peak_bytes=peak,
        rss_bytes=int(status["VmRSS"].split()[0]) * 1024,
        limit_hits=int(events["max"]) + int(events["oom"]),
        capabilities=status["CapEff"],
        no_new_privileges=status["NoNewPrivs"],
        seccomp=status["Seccomp"],
        root_options=root[5],
        exit_code=code,
        log=log.read_text(errors="replace"),
    )
    layout.remove(pod)
    sys.stdout.write(
        f"started {ran.started_seconds:.2f} s, sampled {ran.took_seconds}, peak {peak >> 10} KiB\n"
    )
    sys.stdout.flush()
    return ran


def _pid_in(cgroup: Path, runtime: "subprocess.Popen[bytes]", log: Path) -> int:
    """Return the agent's own process, once runc's helpers have become it."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if runtime.poll() is not None:
            raise RuntimeError(f"the container ended: {log.read_text(errors='replace')}")
        for pid in cgroups.members(cgroup) if cgroup.exists() else []:
            with suppress(FileNotFoundError, ProcessLookupError):
                if Path(f"/proc/{pid}/comm").read_text().startswith("python"):
                    return pid
        time.sleep(0.01)
    raise TimeoutError("the container did not start")


def _ask(pid: int, began: float, health: str) -> dict[str, Any]:
    request = msgspec.json.encode(SampleRequest(process_limit=5, time_budget_seconds=30.0)).decode()
    command = [
        "nsenter",
        f"--net=/proc/{pid}/ns/net",
        sys.executable,
        "-m",
        "lab.deploy_client",
        str(began),
        request,
        health,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


if __name__ == "__main__":
    main(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Plan), Path(sys.argv[2]))
