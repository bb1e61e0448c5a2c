"""One pod as a kubelet runs it: volumes, init containers in their order, sidecars, probes, restarts, its end.

Every container runs in a mount namespace of its own, with the pod's /dev/shm and its volumes, and in a cgroup
of its own with its limit and memory.oom.group, as a runtime makes it. What is told of it was seen: exit
codes of processes, kills by memory.events, probes by running them. Left out: network, images (what is not the
agent's own is not there), back-off before a second restart, and disks: an emptyDir lies in memory, and what
is written there is charged as tmpfs.
"""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from memcollect.lab import cgroups, syscalls
from memcollect.lab.created import qos_class
from memcollect.lab.layout import ContainerSpec, Layout, PlacedPod, PodSpec
from memcollect.lab.node_state import timestamp
from memcollect.sources.quantities import whole
from memcollect.testing import ExecRefusedError
from memcollect_agent.parse import flat_keyed

Json = dict[str, Any]
PAUSE = Path("/run/pause")
VOLUMES = Path("/run/pods")
LOOK_SECONDS = 0.2
AS_NOBODY = "import os, signal; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
"""Before a container's own program, and after all it imports: Python may lie where only root can read."""
_HIDE = f'{{ for each in {VOLUMES}/*/*; do umount -l "$each"; done; true; }} 2> /dev/null'
"""As a container sees nothing of where its node keeps volumes, its own and others'."""
_ENTER = 'echo 0 > "$0/cgroup.procs" && exec "$@"'


class Container:
    """One container of a pod, over all of its runs."""

    def __init__(self, document: Json, kind: str) -> None:
        self.name: str = document["name"]
        self.document = document
        self.kind = kind
        """"init", "sidecar", "app" or "ephemeral"."""
        self.restarts = 0
        self.id = ""
        self.cgroup = Path()
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.probed = False
        self.ended: Json | None = None
        self.last: Json | None = None
        self.waiting = "ContainerCreating" if kind != "app" else "PodInitializing"
        self.message = ""

    @property
    def runs(self) -> bool:
        """Whether its process was started and has not been seen to end."""
        return self.process is not None and self.ended is None

    def status(self) -> Json:
        """Return what a kubelet tells of it."""
        image = self.document.get("image", "")
        told: Json = {
            "name": self.name,
            "image": image,
            "imageID": "",
            "ready": (self.runs and self.probed) or (self.kind == "init" and self.ended is not None),
            "started": self.runs and self.probed,
            "restartCount": self.restarts,
            "state": self._state(),
            "lastState": {"terminated": self.last} if self.last else {},
        }
        return {**told, "containerID": f"containerd://{self.id}"} if self.id else told

    def _state(self) -> Json:
        if self.ended is not None:
            return {"terminated": self.ended}
        if self.process is not None:
            return {"running": {"startedAt": timestamp(self.started_at)}}
        return {"waiting": {"reason": self.waiting, **({"message": self.message} if self.message else {})}}


class Place(msgspec.Struct, frozen=True):
    """Where a pod runs: the node's cgroups, which image is there, and who is told of its status."""

    layout: Layout
    node: str
    image: str
    tell: Callable[[str, Json], None]
    """Takes the pod's UID and its status."""
    agent_command: Callable[[str, Json], list[str]]
    """What runs a container that has arguments alone, as an agent's has, in the pod of that name."""


class PlayedPod:
    """A pod from its creation to its end; a thread of its own looks after it."""

    def __init__(self, document: Json, place: Place, cgroup_uid: str = "") -> None:
        self.metadata: Json = document["metadata"]
        self.spec: Json = document["spec"]
        self.uid: str = self.metadata["uid"]
        self._place = place
        self._created_at = time.time()
        self._own = {"given_uid": cgroup_uid or self.uid, "namespace": self.metadata["namespace"]}
        groups = ((self.spec.get("initContainers") or (), "init"), (self.spec["containers"], "app"))
        self.containers = [
            Container(each, "sidecar" if kind == "init" and each.get("restartPolicy") == "Always" else kind)
            for group, kind in groups
            for each in group
        ]
        self._pod: PlacedPod | None = None
        self._evicted = ""
        self._over = threading.Event()
        self._lock = threading.RLock()
        self._told: Json = {}
        self._folder = VOLUMES / self.uid
        self._mounted: list[Path] = []
        self._thread = threading.Thread(target=self._live, name=self.metadata["name"], daemon=True)

    def start(self) -> None:
        """Begin; `end` takes everything down."""
        self._thread.start()

    def add(self, document: Json) -> None:
        """Add an ephemeral container."""
        with self._lock:
            self.containers.append(Container(document, "ephemeral"))

    def end(self) -> None:
        """Kill it, and remove its cgroups and volumes."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        self._take_down()

    def working_sets(self) -> dict[str, int]:
        """Return what the metrics API would show of its containers, in bytes."""
        with self._lock:
            return {each.name: _working_set(each.cgroup) for each in self.containers if each.runs}

    def _live(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            with self._lock:
                if not self._evicted:
                    self._step()
                self._report()

    def _step(self) -> None:
        """Do once what a kubelet's worker does of a pod: what is not as it should be is brought on."""
        if not self._volumes_are_there():
            return
        if self._pod is None:
            self._make_pod()
        for each in self.containers:
            if each.runs:
                self._look_at(each)
            if each.ended is not None and each.kind in {"app", "sidecar"}:
                self._start(each)
        for each in self._due():
            self._start(each)
        self._evict_for_volumes()

    def _due(self) -> Iterator[Container]:
        """Yield the containers whose turn it is: those before them are through, or go on beside them."""
        for each in self.containers:
            if each.process is None:
                yield each
            if each.kind == "init" and (each.ended is None or each.ended["exitCode"] != 0):
                return
            if each.kind == "sidecar" and not each.probed:
                return

    def _volumes_are_there(self) -> bool:
        """Whether all volumes can be mounted: there is no other object than an emptyDir here."""
        return all("emptyDir" in each for each in self.spec.get("volumes") or () if "hostPath" not in each)

    def _make_pod(self) -> None:
        spec = self._layout_spec([])
        self._pod = self._place.layout.place(spec)
        pause = [str(self._pod.containers["pause"]), str(PAUSE), "infinity"]
        subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", f"{_HIDE}; {_ENTER}", *pause], stdin=subprocess.DEVNULL
        )
        self._tmpfs("shm", "64m")
        for volume in self.spec.get("volumes") or ():
            if "emptyDir" in volume:
                in_memory = volume["emptyDir"].get("medium") == "Memory"
                self._tmpfs(volume["name"], str(_limit_of(volume) or "") if in_memory else "")

    def _layout_spec(self, containers: list[ContainerSpec]) -> PodSpec:
        return PodSpec(
            name=self.metadata["name"],
            qos_class=qos_class(self.spec["containers"]),
            containers=containers,
            limits=self._pod_limits(),
            **self._own,
        )

    def _pod_limits(self) -> dict[str, int | str]:
        """Return the pod's limit: that of its containers together, if each has one (pkg/kubelet/cm)."""
        limits = [_memory_limit(each.document) for each in self.containers if each.kind != "ephemeral"]
        known = [each for each in limits if each is not None]
        return {"memory.max": sum(known)} if len(known) == len(limits) else {}

    def _tmpfs(self, name: str, size: str) -> None:
        place = self._folder / name
        place.mkdir(parents=True)
        options = "mode=1777" + (f",size={size}" if size else "")
        syscalls.mount("tmpfs", str(place), "tmpfs", options, 0)
        self._mounted.append(place)

    def _start(self, container: Container) -> None:
        """Start a container's first run, or the next."""
        if container.document.get("image") != self._place.image:
            container.waiting = "ErrImagePull"
            container.message = (
                f"failed to pull image {container.document.get('image')}: it is not on this node"
            )
            return
        if container.ended is not None:
            container.last, container.ended = container.ended, None
            container.restarts += 1
        limit = _memory_limit(container.document)
        limits: dict[str, int | str] = {} if limit is None else {"memory.max": limit}
        spec = self._layout_spec(
            [ContainerSpec(name=container.name, limits=limits, restarts=container.restarts)]
        )
        container.cgroup = self._place.layout.place(spec).containers[container.name]
        container.id = spec.container_id(container.name)
        container.process = subprocess.Popen(
            self._command(container),
            stdin=subprocess.DEVNULL,
            env={**os.environ, "MEMCOLLECT_NODE_NAME": self._place.node},
        )
        container.started_at = time.time()
        container.probed = not ({"readinessProbe", "startupProbe"} & container.document.keys())

    def _command(self, container: Container) -> list[str]:
        document = container.document
        if "command" not in document:
            agent = self._place.agent_command(self.metadata["name"], document)
            return ["unshare", "--mount", "sh", "-c", f"{_HIDE}; {_ENTER}", str(container.cgroup), *agent]
        words = _words(document["command"])
        # /mnt is the container's own, so that where volumes are shown need not be on this machine.
        script = ['mount --bind "$1" /dev/shm', "mount -t tmpfs view /mnt"]
        for mount in document.get("volumeMounts") or ():
            path = mount["mountPath"]
            script.append(f'mkdir -p "{path}" && mount --bind "{self._folder / mount["name"]}" "{path}"')
        entering = " && ".join([*script, _HIDE, "shift", _ENTER])
        shm = str(self._folder / "shm")
        return ["unshare", "--mount", "sh", "-c", entering, str(container.cgroup), shm, *words]

    def _look_at(self, container: Container) -> None:
        process = container.process
        assert process is not None
        code = process.poll()
        if code is not None:
            self._note_end(container, code)
        elif not container.probed:
            container.probed = self._probe(container, process.pid)

    def _note_end(self, container: Container, code: int) -> None:
        events = flat_keyed.parse((container.cgroup / "memory.events").read_bytes(), "memory.events")
        cgroups.remove(container.cgroup)
        reason = "OOMKilled" if events["oom_kill"] else "Completed" if code == 0 else "Error"
        container.probed = False
        container.ended = {
            "exitCode": 128 - code if code < 0 else code,
            "reason": reason,
            "startedAt": timestamp(container.started_at),
            "finishedAt": timestamp(time.time()),
            "containerID": f"containerd://{container.id}",
        }

    def _probe(self, container: Container, pid: int) -> bool:
        probe = container.document.get("startupProbe") or container.document["readinessProbe"]
        if "exec" not in probe:
            return True
        return (
            subprocess.run(self._entering(container, pid, probe["exec"]["command"]), check=False).returncode
            == 0
        )

    def entering(self, name: str, command: list[str]) -> list[str]:
        """Return what runs a command in a container. Raises ExecRefusedError where it does not run."""
        for each in self.containers:
            if each.name == name and each.process is not None and each.runs:
                return self._entering(each, each.process.pid, command)
        raise ExecRefusedError("container not found")

    @staticmethod
    def _entering(container: Container, pid: int, command: list[str]) -> list[str]:
        view = f"--mount=/proc/{pid}/ns/mnt"
        return ["nsenter", view, "--", "sh", "-c", _ENTER, str(container.cgroup), *_words(command)]

    def _evict_for_volumes(self) -> None:
        """Evict a pod of which a volume on the disk holds more than it may (pkg/kubelet/eviction)."""
        for volume in self.spec.get("volumes") or ():
            limit = _limit_of(volume)
            if limit is None or (volume.get("emptyDir") or {}).get("medium") == "Memory":
                continue
            held = sum(file.stat().st_size for file in (self._folder / volume["name"]).rglob("*"))
            if held > limit:
                size = volume["emptyDir"]["sizeLimit"]
                self._evicted = f'Usage of EmptyDir volume "{volume["name"]}" exceeds the limit "{size}". '
                self._stop_all()

    def _stop_all(self) -> None:
        for each in self.containers:
            if each.runs and each.process is not None:
                for pid in cgroups.members(each.cgroup):
                    with suppress(ProcessLookupError):
                        os.kill(pid, 9)
                self._note_end(each, each.process.wait())
        if self._pod is not None:
            self._place.layout.remove(self._pod)

    def _report(self) -> None:
        told = self._status()
        if told != self._told:
            self._told = told
            self._place.tell(self.uid, told)

    def _status(self) -> Json:
        apps = [each for each in self.containers if each.kind == "app"]
        runs = any(each.runs or each.restarts for each in apps)
        ready = all(each.runs and each.probed for each in apps)
        initial = [each.status() for each in self.containers if each.kind in {"init", "sidecar"}]
        guests = [each.status() for each in self.containers if each.kind == "ephemeral"]
        status: Json = {
            "phase": "Failed" if self._evicted else "Running" if runs else "Pending",
            "qosClass": qos_class(self.spec["containers"]),
            "startTime": timestamp(self._created_at),
            "conditions": [
                {"type": "PodScheduled", "status": "True"},
                {"type": "Ready", "status": "True" if ready and not self._evicted else "False"},
            ],
            "containerStatuses": [each.status() for each in apps],
        }
        if initial:
            status["initContainerStatuses"] = initial
        if guests:
            status["ephemeralContainerStatuses"] = guests
        return {**status, "reason": "Evicted", "message": self._evicted} if self._evicted else status

    def _take_down(self) -> None:
        if self._pod is not None:
            self._place.layout.remove(self._pod)
        for each in self.containers:
            if each.process is not None:
                each.process.wait()
        for place in self._mounted:
            syscalls.unmount(str(place))
        shutil.rmtree(self._folder, ignore_errors=True)


def _words(command: list[str]) -> list[str]:
    """Return a container's command with the Python that is here, as the user that its pod asks for."""
    at = command.index("-c") + 1
    return [sys.executable, *command[1:at], AS_NOBODY + command[at], *command[at + 1 :]]


def _memory_limit(container: Mapping[str, Any]) -> int | None:
    limit = ((container.get("resources") or {}).get("limits") or {}).get("memory")
    return whole(str(limit)) if limit is not None else None


def _limit_of(volume: Mapping[str, Any]) -> int | None:
    limit = (volume.get("emptyDir") or {}).get("sizeLimit")
    return whole(str(limit)) if limit is not None else None


def _working_set(cgroup: Path) -> int:
    stat = flat_keyed.parse((cgroup / "memory.stat").read_bytes(), "memory.stat")
    return max(int((cgroup / "memory.current").read_text()) - stat["inactive_file"], 0)
