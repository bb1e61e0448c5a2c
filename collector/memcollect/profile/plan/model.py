"""A plan: where sandboxes come from, what is done in them, and when they are measured. Pure.

The fields' names are the keys of the TOML file. `Seconds` and `Size` are written with their unit there
("20s", "1Mi").
"""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from msgspec import Struct, field

PLAN_SCHEMA = 1
MOST_SANDBOXES = 1000
"""At once: beyond it a typing mistake is likelier than a wish."""


class Seconds(float):
    """A length of time."""

    __slots__ = ()


class Size(int):
    """An amount of memory in bytes."""

    __slots__ = ()


class Settle(Struct, frozen=True, kw_only=True):
    """Memory is at rest when no pod's working set changes by `within` or more `over` this long."""

    within: Size = Size(1 << 20)
    over: Seconds = Seconds(20)
    at_most: Seconds = Seconds(180)
    """After so long it is measured all the same, as "did not settle"."""


class Selected(Struct, frozen=True, kw_only=True, tag="selector", tag_field="kind"):
    """Pods that are there already; nothing is made or deleted."""

    namespace: str = "deer-flow"
    selector: str
    container: str = ""
    """Where commands run; "": the pod's first."""
    most: int = 1
    """How many of the selected pods are used, in the order of their names."""
    ready_within: Seconds = Seconds(120)


class Template(Struct, frozen=True, kw_only=True, tag="template", tag_field="kind"):
    """Pods made from a manifest, or like a pod that runs."""

    namespace: str = "deer-flow"
    file: str = ""
    """A Pod manifest, YAML or JSON, beside the plan."""
    clone: str = ""
    """The name of a running pod of the namespace, or a label selector ("app=x") whose first one is meant."""
    runtime_class: str = ""
    container: str = ""
    ready_within: Seconds = Seconds(120)


class Call(Struct, frozen=True, kw_only=True):
    """One HTTP request; {id}, {run}, {namespace}, {thread} and {user} in `url` and `body` are filled in."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    url: str
    body: str = ""
    content_type: str = "application/json"


class Provisioned(Struct, frozen=True, kw_only=True, tag="provisioner", tag_field="kind"):
    """Pods that an HTTP service makes when it is asked."""

    namespace: str = "deer-flow"
    create: Call
    delete: Call
    release: Call | None = None
    """None: it has no such request."""
    reuse: Call | None = None
    """What brings a released sandbox back; None: `create` with the same id."""
    pod: str = "sandbox-{id}"
    """The name of a sandbox's pod."""
    headers: dict[str, str] = field(default_factory=dict)
    """Header -> the environment variable that holds its value: secrets stay out of plans."""
    container: str = ""
    ready_within: Seconds = Seconds(120)
    request_timeout: Seconds = Seconds(30)


Driver: TypeAlias = Literal["exec", "aio", "deerflow", "e2b", "opensandbox", "agent-sandbox"]
PROGRAMS: frozenset[Driver] = frozenset({"deerflow", "e2b", "opensandbox", "agent-sandbox"})
"""Drivers that are programs: they make their sandboxes themselves, through a package."""


class _Packaged(Struct, frozen=True, kw_only=True):
    """Sandboxes that a package makes: each is who the package's answer says.

    How the package is reached stands in [evidence]: command, api, template, prefix.
    """

    namespace: str = ""
    """Where they are pods of the cluster; "": they are none that we see, so nobody knows their memory."""
    label: str = ""
    """Of their pods: its value is the id that the package answers."""
    container: str = ""
    ready_within: Seconds = Seconds(120)


class DeerFlow(_Packaged, frozen=True, kw_only=True, tag="deerflow", tag_field="kind"):
    """Made by the provider that DeerFlow is configured with; none of them is a pod that we see."""

    package: ClassVar[Driver] = "deerflow"


class E2b(_Packaged, frozen=True, kw_only=True, tag="e2b", tag_field="kind"):
    """Made by E2B's package: of E2B, of CubeSandbox."""

    package: ClassVar[Driver] = "e2b"


class OpenSandbox(_Packaged, frozen=True, kw_only=True, tag="opensandbox", tag_field="kind"):
    """Made by OpenSandbox's package."""

    package: ClassVar[Driver] = "opensandbox"
    label: str = "opensandbox.io/id"


class AgentSandbox(_Packaged, frozen=True, kw_only=True, tag="agent-sandbox", tag_field="kind"):
    """Claimed from a warm pool by agent-sandbox's package, which tells the name of each one's pod."""

    package: ClassVar[Driver] = "agent-sandbox"
    namespace: str = "default"


Packaged = DeerFlow | E2b | OpenSandbox | AgentSandbox
Source = Selected | Template | Provisioned | DeerFlow | E2b | OpenSandbox | AgentSandbox


UNSEEN = "the source's sandboxes are no pods of a cluster that we see, so what they are charged is not known"


def is_seen(source: Source) -> bool:
    """Return whether its sandboxes are pods of a cluster that we see."""
    return bool(source.namespace)


class Declared(Struct, frozen=True, kw_only=True):
    """What nobody can observe, in the words of whoever runs the backend; "": not declared."""

    prerequisites: str = ""
    networking: str = ""
    storage: str = ""
    upgrade: str = ""


class Trying(Struct, frozen=True, kw_only=True):
    """The table [evidence]: how the source's sandboxes are reached, and what is known of their backend."""

    driver: Literal["", "exec", "aio", "deerflow", "e2b", "opensandbox", "agent-sandbox"] = ""
    """"": the package that makes the sandboxes, else exec."""
    command: list[str] = field(default_factory=list)
    """With a driver that is a program: what starts Python in the environment that has its package; empty:
    memcollect's own, which never has DeerFlow."""
    api: str = ""
    """With these: the address of the API; "": what the package's own variables say, else its default."""
    template: str = ""
    """With e2b its template, "" the package's default; with opensandbox the image; with agent-sandbox the
    SandboxWarmPool."""
    prefix: str = ""
    """With these: what stands before /mnt/user-data in sandboxes; "": with e2b /home/user, with agent-sandbox
    /app, else nothing."""
    port: int = 8080
    """Of the sandbox's HTTP interface."""
    gateway: str = ""
    """The address of DeerFlow's gateway; "": what goes through it is not tried."""
    gateway_headers: dict[str, str] = field(default_factory=dict)
    """Header -> the environment variable that holds its value."""
    users: list[str] = field(default_factory=lambda: ["memcollect-one", "memcollect-two"])
    """Two names that the backend takes for users."""
    idle: Seconds = Seconds(0)
    """After so long a released sandbox must be gone; 0: not tried."""
    replicas: int = 0
    """How many released sandboxes it keeps; 0: not tried."""
    restart: list[str] = field(default_factory=list)
    """A command of this machine that restarts what makes the sandboxes; empty: not tried."""
    download_limit: Size = Size(0)
    """The largest file that the interface gives back; 0: none is named."""
    declared: Declared = Declared()


class _Phase(Struct, frozen=True, kw_only=True):
    name: str
    version: str = ""
    """Of this workload; "": the plan's."""
    settle: Settle | None = None
    """None: the plan's."""


class Nothing(_Phase, frozen=True, kw_only=True, tag="nothing", tag_field="do"):
    """Measure the sandbox as it is."""


class Exec(_Phase, frozen=True, kw_only=True, tag="exec", tag_field="do"):
    """Run a command in every sandbox."""

    command: list[str]
    container: str = ""
    time_limit: Seconds = Seconds(120)


class Http(_Phase, frozen=True, kw_only=True, tag="http", tag_field="do"):
    """Call an HTTP endpoint of every sandbox, by port-forward."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    port: int = 8080
    path: str = "/"
    body: str = ""
    content_type: str = "application/json"
    expect: list[int] = field(default_factory=lambda: [200, 201, 202, 204])
    time_limit: Seconds = Seconds(60)


class Wait(_Phase, frozen=True, kw_only=True, tag="wait", tag_field="do"):
    """Let time pass."""

    time: Seconds


class Mark(_Phase, frozen=True, kw_only=True, tag="mark", tag_field="do"):
    """Ask the person who runs it to do something, and to press Enter."""

    ask: str
    time_limit: Seconds = Seconds(1800)


class Reuse(_Phase, frozen=True, kw_only=True, tag="reuse", tag_field="do"):
    """Release the sandbox and take it again, several times; each cycle is measured."""

    cycles: int = 5
    idle: Seconds = Seconds(5)
    """Between release and reuse."""
    command: list[str] = field(default_factory=list)
    """Run after each reuse; empty: nothing."""
    container: str = ""
    ask: str = ""
    """What to ask a person where the source has no release; "": the phase is left out there."""
    time_limit: Seconds = Seconds(120)


def can_release(source: Source) -> bool:
    """Return whether it releases sandboxes and gives them back by itself."""
    if isinstance(source, Packaged):
        return not isinstance(source, AgentSandbox)
    return isinstance(source, Provisioned) and source.release is not None


def package_of(source: Source) -> Driver | None:
    """Return the driver whose package makes its sandboxes; None: no package does."""
    return source.package if isinstance(source, Packaged) else None


class Scale(_Phase, frozen=True, kw_only=True, tag="scale", tag_field="do"):
    """Make many fresh sandboxes at once, run a command in each, measure, delete."""

    steps: list[int]
    command: list[str] = field(default_factory=list)
    container: str = ""
    time_limit: Seconds = Seconds(300)


class Evidence(_Phase, frozen=True, kw_only=True, tag="evidence", tag_field="do"):
    """Try what the backend must do besides saving memory: once, after all repeats, in fresh sandboxes."""

    rows: list[str] = field(default_factory=list)
    """Names of the catalogue's rows; empty: all."""
    driver: Literal["", "exec", "aio", "deerflow", "e2b", "opensandbox", "agent-sandbox"] = ""
    """"": as the table [evidence] says."""


Phase = Nothing | Exec | Http | Wait | Mark | Reuse | Scale | Evidence
PHASES: tuple[type[Phase], ...] = (Nothing, Exec, Http, Wait, Mark, Reuse, Scale, Evidence)
SOURCES: tuple[type[Source], ...] = (
    *(Selected, Template, Provisioned),
    *(DeerFlow, E2b, OpenSandbox, AgentSandbox),
)


class Plan(Struct, frozen=True, kw_only=True):
    """A whole plan."""

    schema: int = PLAN_SCHEMA
    name: str
    version: str = ""
    backend: str = ""
    """What comparisons call the source; "": the plan's name."""
    repeats: int = 3
    poll: Seconds = Seconds(0.25)
    """How often pods that start are looked at."""
    settle: Settle = Settle()
    left_out: tuple[str, ...] = ()
    """The names of phases that the source cannot do; no key of the TOML, as the next."""
    settle_is_the_sources: bool = False
    """Whether a source's file brought it, whose author knows the cluster; no key of the TOML."""
    source: Source
    evidence: Trying = Trying()
    phases: list[Phase]


def driver_of(plan: Plan, phase: Evidence) -> Driver:
    """Return by what its sandboxes are spoken to."""
    return phase.driver or plan.evidence.driver or package_of(plan.source) or "exec"
