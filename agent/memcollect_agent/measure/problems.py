"""What was asked for and has no number, gathered while a node is measured."""

from memcollect_agent.errors import AgentError, DeniedError
from memcollect_agent.redact import visible
from memcollect_agent.wire import Problem


class Problems:
    """The problems of one sample, in the order in which they came."""

    def __init__(self) -> None:
        self.all: list[Problem] = []

    def add(self, kind: str, name: str, reason: str, detail: str) -> None:
        """Add one; `name` and `detail` may hold what a pod has chosen."""
        self.all.append(Problem(kind=kind, name=visible(name), reason=reason, detail=visible(detail)))

    def add_error(self, kind: str, name: str, error: AgentError) -> None:
        """Add what could not be read, with the reason that the error stands for."""
        reason = "denied" if isinstance(error, DeniedError) else "unreadable"
        self.add(kind, name, reason, str(error))
