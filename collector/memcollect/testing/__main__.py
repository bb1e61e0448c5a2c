"""`python -m memcollect.testing`: a stand-in in a process of its own, for demonstrations and benchmarks.

Serves a recording, a folder that it follows, or nothing, until it is interrupted; prints its address on
the first line.
"""

import argparse
import contextlib
import signal
import sys
from pathlib import Path

from memcollect.testing.cluster import Cluster
from memcollect.testing.following import Follower, forwarding
from memcollect.testing.server import StandInCluster


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the options of a command line."""
    parser = argparse.ArgumentParser(prog="python -m memcollect.testing", description=__doc__)
    parser.add_argument("--recording", type=Path, help="folder with pods.json, nodes.json, podmetrics.json")
    parser.add_argument("--follow", type=Path, help="the same, with settings.json, looked at again and again")
    parser.add_argument("--kubeconfig", type=Path, help="write a kubeconfig that leads here to this file")
    parser.add_argument("--https", action="store_true", help="serve HTTPS with a certificate of its own")
    parser.add_argument("--token", help="ask every request for this bearer token")
    parser.add_argument(
        "--forward",
        action="append",
        default=[],
        metavar="NAMESPACE/POD:PORT=HOST:PORT",
        help="where port-forwards to a pod's port lead; may be repeated",
    )
    return parser.parse_args(arguments)


def cluster(options: argparse.Namespace) -> Cluster:
    """Return the cluster that the options describe. Raises ValueError."""
    made = Cluster.from_recording(options.recording) if options.recording else Cluster()
    if options.token:
        made.access.tokens[options.token] = "stand-in-user"
    for text in options.forward:
        made.forward(*forwarding(text))
    return made


def main() -> int:
    """Serve until SIGINT or SIGTERM; 2 for options that mean nothing."""
    options = parse(sys.argv[1:])
    try:
        made = cluster(options)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), StandInCluster(made, https=options.https) as server:
        if options.kubeconfig:
            server.kubeconfig(options.kubeconfig)
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        _wait(Follower(made, options.follow) if options.follow else None)
    return 0


def _wait(follower: Follower | None) -> None:
    if follower is None:
        signal.pause()
    else:
        follower.follow()


if __name__ == "__main__":
    sys.exit(main())
