"""The demo's API server, with the kubelet of the pods that clients create and a provisioner beside it.

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
from memcollect.testing import NAMESPACES, Cluster, StandInCluster, objects
from memcollect.testing.following import Follower


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM."""
    folder, cgroups, logs, disk, memory = map(Path, arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    cluster = Cluster()
    cluster.put(NAMESPACES, objects.namespace(NAMESPACE))
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
        _provisioner(cluster),
        StandInCluster(cluster, https=True) as server,
    ):
        server.kubeconfig(folder / "kubeconfig")
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        follower.follow()
    return 0


def _provisioner(cluster: Cluster) -> contextlib.AbstractContextManager[object]:
    try:
        return Provisioner(Sandboxes(cluster, NAMESPACE))
    except LabError as error:
        # On a machine of its own the port is free; elsewhere whatever else is played goes on without it.
        sys.stderr.write(f"{error}\n")
        return contextlib.nullcontext()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
