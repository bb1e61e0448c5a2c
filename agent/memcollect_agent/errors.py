"""Every error the agent raises on purpose.

AgentError
├── UnsupportedError      this machine's cgroups are not what memcollect can read (v1, hybrid, none)
├── ListenError           the service cannot listen where it was told to
├── StalledError          the kernel has not answered a read for so long that nobody waits on
├── ParseError            a kernel file (or a request) does not say what it should
└── ReadError             a file could not be read; carries the path
    ├── GoneError         it ended meanwhile: ENOENT, ESRCH, ENODEV, ENOTDIR
    ├── DeniedError       EACCES, EPERM: a fault of the set-up, with a remedy
    ├── UnsafeFileError   not a regular file (a FIFO, a symlink, a device), so it was not opened
    └── HangingError      a read of it that was begun before has not come back, so none is begun
"""

import errno

GONE_ERRNOS = frozenset({errno.ENOENT, errno.ESRCH, errno.ENODEV, errno.ENOTDIR})
DENIED_ERRNOS = frozenset({errno.EACCES, errno.EPERM})


class AgentError(Exception):
    """The root of the tree: one sentence that a person can act on."""


class UnsupportedError(AgentError):
    """The machine is set up in a way that has no numbers for us; the sentence says what to do."""


class ListenError(AgentError):
    """The address is taken, is not this machine's, or is one that the service must not listen on."""


class StalledError(AgentError):
    """What is asked for waits for a kernel that does not answer; the next try may be lucky."""


class ParseError(AgentError):
    """The text is not in the form the kernel documents.

    `source` names the kernel file, `line_number` counts from 1 (0: the text as a whole).
    """

    def __init__(self, source: str, line_number: int, problem: str) -> None:
        super().__init__(f"{source}, line {line_number}: {problem}")
        self.source = source
        self.line_number = line_number
        self.problem = problem


class ReadError(AgentError):
    """A file could not be read; `path` is what was asked for, `problem` says why."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


class GoneError(ReadError):
    """The process or cgroup ended between being listed and being read: normal."""


class DeniedError(ReadError):
    """The kernel refused: the agent lacks a capability or the file's owner is another user."""


class UnsafeFileError(ReadError):
    """What stands at this path is not a regular file and was not opened."""


class HangingError(ReadError):
    """The kernel has not answered a read of this file, or of its neighbours, so it is not asked again."""


def read_error(path: str, error: OSError) -> ReadError:
    """Return the member of the tree that `error` (from reading `path`) belongs to."""
    problem = error.strerror or str(error)
    if error.errno in GONE_ERRNOS:
        return GoneError(path, problem)
    if error.errno in DENIED_ERRNOS:
        return DeniedError(path, problem)
    return ReadError(path, problem)
