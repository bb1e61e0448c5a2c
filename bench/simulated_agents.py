"""Agents of a made-up cluster: HTTP on one port of the loopback, each node's answer by the UIDs asked for.

    python simulated_agents.py --pods 30

Prints its port and the working set of the app containers in bytes, and serves until its input ends.
"""

import argparse
import asyncio
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import simulated
from live_answers import LiveAnswers

from memcollect.sources.agent_http import DEFLATE, MESSAGE_PACK, SCHEMA_HEADER
from memcollect_agent.serve.wsgi import QUICKLY
from memcollect_agent.wire import SCHEMA_VERSION, SampleRequest


class Agents:
    """All agents at once; which of them is asked is told by the first pod UID of the request."""

    def __init__(self, templates: Callable[[float | None], bytes], asked: Path | None) -> None:
        """With `asked` history ends when an agent is asked, and that file is told when one was last."""
        self._templates = templates
        self._live = LiveAnswers(templates(None)) if asked is not None else None
        self._asked = asked
        self._replayed: dict[tuple[int, float | None], bytes] = {}
        """By node and since when history was asked for: made once, for real agents have CPUs of their own."""

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close, as the agent's service does."""
        try:
            body = await _body(reader)
            writer.write(self._answer(body))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the collector went away: its loss
        finally:
            writer.close()

    def _answer(self, body: bytes) -> bytes:
        asked = msgspec.msgpack.decode(body, type=SampleRequest)
        node = int((asked.pod_uids or ["0"])[0][:8])
        if self._live is not None and self._asked is not None:
            now = time.time()
            self._asked.write_text(f"{now}", encoding="utf-8")
            return _response(self._live.at(now, asked), node)
        key = node, asked.history_since
        if key not in self._replayed:
            self._replayed[key] = _response(self._templates(asked.history_since), node)
        return self._replayed[key]


def _response(template: bytes, node: int) -> bytes:
    answer = zlib.compress(simulated.answer_of(template, node), QUICKLY)
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: {MESSAGE_PACK}\r\n{SCHEMA_HEADER}: {SCHEMA_VERSION}\r\n"
        f"Content-Encoding: {DEFLATE}\r\n"
        f"Content-Length: {len(answer)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + answer


async def _body(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
    return await reader.readexactly(length)


async def _serve(agents: Agents, template: bytes) -> None:
    server = await asyncio.start_server(agents.converse, "127.0.0.1", 0, backlog=1024)
    async with server:
        print(server.sockets[0].getsockname()[1], simulated.working_set_bytes(template), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Serve until the input ends."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pods", type=int, required=True)
    parser.add_argument("--now", type=float, default=time.time())
    parser.add_argument("--asked", type=Path)
    options = parser.parse_args()
    templates = simulated.answer_templates(options.pods, options.now)
    asyncio.run(_serve(Agents(templates, options.asked), templates(None)))


if __name__ == "__main__":
    main()
