"""Runs in the guest, in the network namespace of an agent's pod: what the kubelet and a port-forward see.

    python -m lab.deploy_client BEGAN REQUEST HEALTH
BEGAN is the monotonic clock when the container was asked for; HEALTH is "off" for an agent that tells none,
which is asked as soon as it listens. Printed: one JSON object.
"""

import json
import socket
import sys
import time
import urllib.error
import urllib.request

HEALTH = "http://127.0.0.1:7071/healthz"
PORT = 7070
SAMPLE = f"http://127.0.0.1:{PORT}/v1/sample"
LIMIT_SECONDS = 60.0


def main(began: float, request: str, health: str) -> None:
    """Wait until the agent is well, ask it for a sample."""
    deadline = time.monotonic() + LIMIT_SECONDS
    is_ready = _listens if health == "off" else _well
    while not is_ready():
        if time.monotonic() > deadline:
            raise TimeoutError("the agent did not become well")
        time.sleep(0.02)
    started = time.monotonic() - began
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    question = urllib.request.Request(SAMPLE, request.encode(), headers)
    asked = time.monotonic()
    try:
        with urllib.request.urlopen(question, timeout=300) as answer:  # noqa: S310 -- our own address
            status, body = answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            status, body = error.code, error.read().decode()
    took = time.monotonic() - asked
    sys.stdout.write(json.dumps({"started": started, "took": took, "status": status, "body": body}))


def _well() -> bool:
    try:
        with urllib.request.urlopen(HEALTH, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _listens() -> bool:
    try:
        socket.create_connection(("127.0.0.1", PORT), timeout=5).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main(float(sys.argv[1]), *sys.argv[2:])
