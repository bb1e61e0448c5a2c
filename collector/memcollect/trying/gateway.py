"""DeerFlow's gateway over HTTP: uploads and artifacts of a thread."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Mapping, Sequence

from memcollect.evidence.port import HttpSeen
from memcollect.trying.http import Sender, multipart

_SAFE = "/%-._~"
""""%" among them: a path that is encoded already is sent as it is, which is what a traversal tries."""


class HttpGateway:
    """One gateway."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def begin_thread(self, thread: str, seconds: float) -> HttpSeen:
        """Make a thread: of one that it does not know, uploads are taken and never deleted."""
        body, headers = json.dumps({"thread_id": thread}).encode(), {"Content-Type": "application/json"}
        return self._sender.send("POST", "/api/threads", body, headers, seconds)

    def end_thread(self, thread: str, seconds: float) -> HttpSeen:
        """Delete a thread with its files."""
        return self._sender.send("DELETE", _of(thread), b"", {}, seconds)

    def upload(self, thread: str, files: Sequence[tuple[str, bytes]], seconds: float) -> HttpSeen:
        """Upload files."""
        body, content_type = multipart({}, [("files", name, data) for name, data in files])
        headers = {"Content-Type": content_type}
        return self._sender.send("POST", f"{_of(thread)}/uploads", body, headers, seconds)

    def artifact(self, thread: str, path: str, headers: Mapping[str, str], seconds: float) -> HttpSeen:
        """Ask for an artifact."""
        quoted = urllib.parse.quote(path.lstrip("/"), safe=_SAFE)
        return self._sender.send("GET", f"{_of(thread)}/artifacts/{quoted}", b"", headers, seconds)

    def uploads(self, thread: str, seconds: float) -> HttpSeen:
        """Ask for the list of uploads."""
        return self._sender.send("GET", f"{_of(thread)}/uploads/list", b"", {}, seconds)

    def remove_upload(self, thread: str, name: str, seconds: float) -> HttpSeen:
        """Delete an upload."""
        quoted = urllib.parse.quote(name, safe="")
        return self._sender.send("DELETE", f"{_of(thread)}/uploads/{quoted}", b"", {}, seconds)


def _of(thread: str) -> str:
    return f"/api/threads/{urllib.parse.quote(thread, safe='')}"
