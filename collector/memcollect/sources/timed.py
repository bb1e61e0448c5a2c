"""Connections of urllib3 whose answers, headers and all, end by one deadline.

A timeout of urllib3's is one of a single read: a server that sends a byte of its headers now and then is
waited for as long as it likes. Here the read timeout of a request is the deadline of its whole answer.
"""

from __future__ import annotations

import http.client
import io
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from memcollect.sources.deadline import Deadline, DeadlineReader


class TimedResponse(http.client.HTTPResponse):
    """An answer that is read until the socket's timeout, as it is when the answer is begun, has passed."""

    def __init__(self, sock: Any, *arguments: Any, **more: Any) -> None:
        super().__init__(sock, *arguments, **more)
        seconds = sock.gettimeout()
        if seconds:
            reader: Any = self.fp
            self.fp = io.BufferedReader(DeadlineReader(sock, Deadline(seconds), reader.detach()), 1 << 16)


class _Http(HTTPConnection):
    response_class = TimedResponse


class _Https(HTTPSConnection):
    response_class = TimedResponse


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Https


def timed(pool: urllib3.PoolManager) -> urllib3.PoolManager:
    """Return `pool` with such connections, which it makes from now on."""
    pool.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
    return pool
