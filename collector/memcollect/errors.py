"""Every error the collector raises on purpose: a sentence for the user, and what to do about it.

CollectorError
├── UsageError            the command cannot mean what was typed; nothing was measured or written
├── DocumentError         a saved snapshot cannot be read
│   └── SchemaError       it is a document, but not of the version this program reads
├── OutputError           the result could not be written where it was asked for
├── UnsupportedError      this machine (or cluster) cannot give the numbers
└── ClusterError          a kubeconfig, an API server or its answer is not as it should be
    ├── KubeConfigError       no usable kubeconfig, context or credentials
    ├── UnreachableError      nothing answers at the API server's address, or not in time
    ├── UnauthorizedError     401: it does not know who is asking
    ├── DeniedError           403: it knows, and does not let them
    ├── MissingError          404: there is no such thing
    ├── ProvisionerError      the HTTP service that makes sandboxes refused, failed or was not reached
    └── AnswerError           it answered something else: an error of its own, or not what Kubernetes says
"""

from collections.abc import Sequence


class CollectorError(Exception):
    """The root of the tree. `sentence` says what happened, `remedy` what the user can do."""

    exit_code = 1

    def __init__(self, sentence: str, remedy: str = "", details: Sequence[str] = ()) -> None:
        super().__init__(f"{sentence} {remedy}" if remedy else sentence)
        self.sentence = sentence
        self.remedy = remedy
        self.details = tuple(details)
        """More sentences; each is shown on a line of its own, below the first."""


class UsageError(CollectorError):
    """An argument is wrong in a way that only the world outside shows (a file that exists, a name)."""

    exit_code = 2


class DocumentError(CollectorError):
    """A saved snapshot is missing, is not a regular file, is cut short or is something else."""


class SchemaError(DocumentError):
    """The document was written for another version of the schema."""


class OutputError(CollectorError):
    """The result could not be written; what stood at its place before still stands there."""


class UnsupportedError(CollectorError):
    """The numbers do not exist here: no cgroup v2 memory controller, not Linux, nothing to measure."""


class ClusterError(CollectorError):
    """The cluster could not be asked, or did not answer what was asked."""


class KubeConfigError(ClusterError):
    """The kubeconfig, its context or its credentials cannot be used."""


class UnreachableError(ClusterError):
    """No connection to the API server, or no answer in time."""


class UnauthorizedError(ClusterError):
    """The API server does not accept the credentials."""


class DeniedError(ClusterError):
    """The API server knows the user and refuses; the sentence names the right that is missing."""


class MissingError(ClusterError):
    """What was asked for does not exist. `is_resource` is False where not even its kind does."""

    def __init__(self, sentence: str, remedy: str = "", *, is_resource: bool = True) -> None:
        super().__init__(sentence, remedy)
        self.is_resource = is_resource


class ProvisionerError(ClusterError):
    """The HTTP service that makes sandboxes did not do what it was asked. `status` is that of its answer.

    `unanswered` is whether it may still be at work on the request.
    """

    def __init__(
        self, sentence: str, remedy: str = "", *, status: int | None = None, unanswered: bool = False
    ) -> None:
        super().__init__(sentence, remedy)
        self.status = status
        self.unanswered = unanswered


class AnswerError(ClusterError):
    """The API server failed, or what answered is not one. `status` is the HTTP status."""

    def __init__(self, sentence: str, remedy: str = "", *, status: int | None = None) -> None:
        super().__init__(sentence, remedy)
        self.status = status


NO_THREAD = "can't start new thread"
"""Python's own words, for which it has no class."""
NO_THREADS = (
    "No more threads can be begun here: `ulimit -u`, `ulimit -v` or a container's pids limit is reached; ask"
    " fewer agents at once with --concurrency."
)


def lacks_threads(error: object) -> bool:
    """Return whether it was raised for that."""
    return isinstance(error, RuntimeError) and str(error) == NO_THREAD
