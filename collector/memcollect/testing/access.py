"""Who may do what: bearer tokens, and rules that requests and SelfSubjectAccessReviews are held against."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from memcollect.testing import failures
from memcollect.testing.failures import ApiError

ANYONE = "stand-in-user"


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """One rule; "*" stands for anything. `resource` may name a subresource: `pods/portforward`."""

    allowed: bool
    verb: str = "*"
    group: str = "*"
    resource: str = "*"
    namespace: str = "*"
    name: str = "*"
    reason: str = ""

    def covers(self, asked: "Attributes") -> bool:
        """Whether this rule speaks of what is asked."""
        return all(
            rule in ("*", value)
            for rule, value in (
                (self.verb, asked.verb),
                (self.group, asked.group),
                (self.resource, asked.resource),
                (self.namespace, asked.namespace),
                (self.name, asked.name),
            )
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Attributes:
    """What is asked for; `resource` includes the subresource, "" means all (namespaces, names)."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""


class Access:
    """Tokens and rules. With no token everybody is let in; with no rule everything is allowed.

    The last rule added that covers a request decides; `rules_of` has those of one user, which come after.
    """

    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}
        self.rules_of: Callable[[str], Sequence[Rule]] = lambda _user: ()
        self._rules: list[Rule] = []

    def add(self, *rules: Rule) -> None:
        """Add `rules`; they take precedence over earlier ones."""
        self._rules.extend(rules)

    def deny(  # noqa: PLR0913 - the attributes of a request, each with a default
        self,
        verb: str = "*",
        resource: str = "*",
        *,
        group: str = "*",
        namespace: str = "*",
        name: str = "*",
        reason: str = "",
    ) -> None:
        """Refuse what the attributes say, from now on."""
        self.add(Rule(False, verb, group, resource, namespace, name, reason))

    def user(self, authorization: str | None) -> str:
        """Return who sends this Authorization header. Raises ApiError (401)."""
        if not self.tokens:
            return ANYONE
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or token not in self.tokens:
            raise failures.unauthorized()
        return self.tokens[token]

    def decide(self, asked: Attributes, user: str = ANYONE) -> Rule:
        """Return the rule that decides."""
        for rule in reversed([*self._rules, *self.rules_of(user)]):
            if rule.covers(asked):
                return rule
        return Rule(True)

    def check(self, user: str, asked: Attributes) -> None:
        """Raise ApiError (403) unless `user` may."""
        rule = self.decide(asked, user)
        if not rule.allowed:
            raise _forbidden(user, asked, rule.reason)

    def check_stream(self, user: str, method: str, get: Attributes, create: Attributes) -> None:
        """Raise ApiError (403) unless `user` may open a stream: since 1.35 a GET needs `create` as well.

        That is asked within the request, and refused in other words, which name neither user nor verb.
        """
        self.check(user, get if method == "GET" else create)
        rule = self.decide(create, user)
        if not rule.allowed:
            plural = create.resource.partition("/")[0]
            said = f'{plural} "{create.name}" is forbidden: {rule.reason}'
            raise ApiError(403, "Forbidden", said, {"name": create.name, "kind": plural})

    def review(self, document: dict[str, Any], user: str = ANYONE) -> dict[str, Any]:
        """Return a SelfSubjectAccessReview of `user` answered: its spec as sent, and the status."""
        spec = document.get("spec") or {}
        asked = spec.get("resourceAttributes")
        rule = self.decide(_attributes(asked), user) if asked is not None else Rule(True)
        status: dict[str, Any] = {"allowed": rule.allowed}
        if rule.reason:
            status["reason"] = rule.reason
        return {
            "kind": "SelfSubjectAccessReview",
            "apiVersion": "authorization.k8s.io/v1",
            "metadata": {},
            "spec": spec,
            "status": status,
        }


def _attributes(asked: dict[str, Any]) -> Attributes:
    resource = asked.get("resource", "")
    if asked.get("subresource"):
        resource = f"{resource}/{asked['subresource']}"
    return Attributes(
        asked.get("verb", ""),
        asked.get("group", ""),
        resource,
        asked.get("namespace", ""),
        asked.get("name", ""),
    )


def _forbidden(user: str, asked: Attributes, why: str) -> ApiError:
    plural = asked.resource.partition("/")[0]
    kind = f"{plural}.{asked.group}" if asked.group else plural
    subject = f'{kind} "{asked.name}"' if asked.name else kind
    where = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    message = (
        f'{subject} is forbidden: User "{user}" cannot {asked.verb} resource "{asked.resource}" '
        f'in API group "{asked.group}" {where}' + (f": {why}" if why else "")
    )
    details = {"name": asked.name, "group": asked.group, "kind": plural}
    return ApiError(403, "Forbidden", message, {key: value for key, value in details.items() if value})
