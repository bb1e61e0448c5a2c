"""The demo's API server with the kubelet of created pods; beside it a provisioner and gateways.

    python -m memcollect.lab.control_plane FOLDER CGROUPS LOGS DISK SHM

What stands in FOLDER is followed (memcollect.testing.following): the pods that somebody else lays out, nodes,
metrics, rights. FOLDER/kubeconfig leads here. Prints the API server's address when it serves, and runs until
it is ended; then every created pod is ended, too.
"""

import contextlib
import signal
import sys
from pathlib import Path

from memcollect.lab.cluster import NODE
from memcollect.lab.container import Volumes
from memcollect.lab.created import CreatedPods
from memcollect.lab.demo_plan import NAMESPACE
from memcollect.lab.errors import LabError
from memcollect.lab.layout import Layout
from memcollect.lab.node_state import CREATED_PODS, write_list
from memcollect.lab.provisioner import Provisioner, Sandboxes
from memcollect.lab.sandboxes import BACKENDS, GATEWAY_PORTS, USER
from memcollect.lab.user_data import UserData
from memcollect.testing import NAMESPACES, Cluster, StandInCluster, objects
from memcollect.testing.following import Follower
from memcollect.testing.sandboxes.gateway import Gateway

SYSTEM = {
    "metadata": {"name": "kube-system", "uid": "6d656d63-6f6c-4c65-8374-6c6162646d6f"},
    "status": {"phase": "Active"},
}
"""A cluster that is started anew keeps its id. So does this one, in every demo: it is set up alike each time,
and runs of two demos may be held against one another."""


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM."""
    folder, cgroups, logs, disk, memory = map(Path, arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    cluster = Cluster()
    cluster.put(NAMESPACES, objects.namespace(NAMESPACE))
    cluster.put(NAMESPACES, SYSTEM)
    created = CreatedPods(
        cluster,
        Layout(cgroups, logs),
        NODE,
        Volumes(disk, memory),
        lambda pods: write_list(folder / CREATED_PODS, pods),
    )
    follower = Follower(cluster, folder)
    with (
        contextlib.suppress(KeyboardInterrupt),
        contextlib.closing(created),
        _beside(cluster, UserData(disk, memory)),
        StandInCluster(cluster, https=True) as server,
    ):
        server.kubeconfig(folder / "kubeconfig")
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        follower.follow()
    return 0


def _beside(cluster: Cluster, data: UserData) -> contextlib.ExitStack:
    """Return the provisioner and a gateway for each of its backends, to be entered."""
    sandboxes = Sandboxes(cluster, NAMESPACE, data)
    stack = contextlib.ExitStack()
    try:
        data.make_shared()
        stack.enter_context(Provisioner(sandboxes))
        for backend in BACKENDS:
            stack.enter_context(_gateway(sandboxes, data, backend))
    except (LabError, OSError) as error:
        # On a machine of its own the ports are free; elsewhere whatever else is played goes on without it.
        sys.stderr.write(f"{error}\n")
    return stack


def _gateway(sandboxes: Sandboxes, data: UserData, backend: str) -> Gateway:
    return Gateway(
        places=lambda thread: data.of(backend, USER, thread),
        faults=BACKENDS[backend].faults,
        runs=lambda thread: sandboxes.runs(backend, thread),
        held_back=lambda thread: data.held_back(backend, thread),
        port=GATEWAY_PORTS[backend],
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
