r"""/proc/PID/cmdline: the argument vector, each argument ended by a NUL byte.

    /usr/bin/python3\0-m\0http.server\0

It lies in the process's own memory: any bytes may stand there, and a program that renames itself
(setproctitle) leaves one long text and trailing NULs. A kernel thread and a zombie have an empty one.
"""

from memcollect_agent.errors import ParseError

MAX_BYTES = 1 << 20
"""Linux allows larger ones (a quarter of the stack limit); the reader stops long before."""


def parse(data: bytes, source: str = "cmdline") -> list[str]:
    r"""Return the arguments; bytes that are not UTF-8 are written \xNN.

    Raises ParseError only for a text longer than MAX_BYTES.
    """
    if len(data) > MAX_BYTES:
        raise ParseError(source, 0, f"is longer than {MAX_BYTES} bytes")
    text = data.rstrip(b"\0").decode("utf-8", "backslashreplace")
    return text.split("\0") if text else []
