"""A server that refuses everything and repeats in its answer whatever it was sent, secrets and all."""

import contextlib
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Repeating:
    """`status` is what it answers; `form` makes a body of the headers' values. `heard` are these values."""

    url: str
    status: int = 403
    form: str = "Status"
    heard: list[str] = field(default_factory=list)


FORMS = {
    "Status": '{{"kind": "Status", "status": "Failure", "message": "may not: {said}", "details": {{}}}}',
    "page": "<html><h1>Forbidden</h1> {said} " + "{said}" * 20 + "</html>",
    "text": "{said}",
}


@contextlib.contextmanager
def repeating() -> Iterator[Repeating]:
    """Serve one on the loopback."""
    told = Repeating("")

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the base class names it so
            pass

        def _answer(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            said = " ".join(value for _, value in self.headers.items())
            told.heard.append(said)
            body = FORMS[told.form].format(said=said).encode()
            with contextlib.suppress(OSError):
                if told.form == "text":
                    self.wfile.write(f"{said}\r\n\r\n".encode())
                    self.close_connection = True
                    return
                self.send_response(told.status, said)
                self.send_header("Content-Type", "application/json")
                self.send_header("Warning", said)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815 # the base class calls them so

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        told.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()
