"""Port-forward as `v4.channel.k8s.io`: what the official Python client speaks.

Port number i of the request has two channels: 2i for data, 2i+1 for errors. The first byte of a message is
its channel; the first message on each, from the server, is the port number in two bytes, little-endian. The
server connects at once, and closes the WebSocket when every port has ended.
"""

import struct
from collections.abc import Sequence

from memcollect.testing.faults import StreamFault
from memcollect.testing.forwarding import CutError, Dial, Pump, RefusedError, Source

PROTOCOL = "v4.channel.k8s.io"
_BROKEN = "error forwarding port {port}: lost the connection to the pod's network namespace"


def serve(pump: Pump, ports: Sequence[int], dial: Dial) -> None:
    """Forward until the client or every port has ended. Raises CutError when a fault says so."""
    if pump.fault is StreamFault.HANG:
        _swallow(pump)
        return
    for index, port in enumerate(ports):
        for channel in (2 * index, 2 * index + 1):
            pump.client.send(struct.pack("<BH", channel, port))
    alive = {2 * index for index, port in enumerate(ports) if _start(pump, 2 * index, port, dial)}
    if alive:
        _forward(pump, ports, alive)
    pump.client.close()


def _swallow(pump: Pump) -> None:
    for _ in pump.events():
        pass


def _start(pump: Pump, channel: int, port: int, dial: Dial) -> bool:
    try:
        pump.add(channel, dial(port))
    except RefusedError as error:
        pump.client.send(bytes((channel + 1,)) + str(error).encode())
        return False
    return True


def _forward(pump: Pump, ports: Sequence[int], alive: set[int]) -> None:
    for event in pump.events():
        if event.source is Source.CLIENT:
            if event.data and event.data[0] in alive:
                pump.to_pod(event.data[0], event.data[1:])
            continue
        if event.data:
            pump.client.send(bytes((event.key,)) + event.data)
        if pump.fault_due is StreamFault.CUT:
            raise CutError
        if pump.fault_due is StreamFault.ERROR:
            message = _BROKEN.format(port=ports[event.key // 2])
            pump.client.send(bytes((event.key + 1,)) + message.encode())
        if not event.data or pump.fault_due is not None:
            pump.drop(event.key)
            alive.discard(event.key)
        if not alive:
            return
