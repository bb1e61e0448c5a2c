"""Which pods there are: by namespace, selector and name. The pod list is the truth of what exists."""

from collections.abc import Iterator, Sequence
from itertools import product

import msgspec
from msgspec import Struct

from memcollect.documents.snapshot import Missing
from memcollect.errors import ClusterError, DeniedError, MissingError
from memcollect.kubernetes.objects import Pod
from memcollect.sources.api import Api, Query
from memcollect.sources.names import checked
from memcollect.sources.pages import Listing, Report, items
from memcollect.sources.rights import Right

NOT_FOUND = "not-found"
"""Why a name is missing that no pod has."""
FEW = 20
"""Up to this many are asked for by name; more are picked out of the list."""

_POD = msgspec.json.Decoder(Pod)


class Selection(Struct, frozen=True, kw_only=True):
    """Which pods are meant. What is given narrows: a pod must be in all of it."""

    namespaces: Sequence[str] | None = None
    """None: all namespaces."""
    selector: str | None = None
    """A label selector, in kubectl's syntax."""
    field_selector: str | None = None
    names: Sequence[str] | None = None
    """NAME, in every one of the namespaces, or NAMESPACE/NAME, whatever the namespaces are."""

    def __post_init__(self) -> None:
        for namespace in self.namespaces or ():
            checked("namespace", namespace)
        for written in self.names or ():
            namespace, slash, name = written.rpartition("/")
            if slash:
                checked("namespace", namespace)
            checked("pod", name)

    @property
    def places(self) -> list[str | None]:
        """The namespaces to ask one by one; [None] for all at once."""
        qualified = [name.partition("/")[0] for name in self.names or () if "/" in name]
        if self.names and len(qualified) == len(self.names):
            return list(dict.fromkeys(qualified))
        return [None] if self.namespaces is None else list(dict.fromkeys([*self.namespaces, *qualified]))

    @property
    def is_everything(self) -> bool:
        """Whether every pod of the cluster is meant."""
        return self.places == [None] and not self.names and not self.query

    @property
    def query(self) -> Query:
        """The selectors as query parameters."""
        return [
            (key, value)
            for key, value in (("labelSelector", self.selector), ("fieldSelector", self.field_selector))
            if value
        ]

    @property
    def by_name(self) -> list[tuple[str, str]] | None:
        """(namespace, name) of each pod, where asking for them one by one is the cheapest way."""
        if not self.names or self.places == [None] or self.query:
            return None
        bare = [name for name in self.names if "/" not in name]
        qualified = [tuple(name.split("/", 1)) for name in self.names if "/" in name]
        wanted = dict.fromkeys([*product(self.namespaces or (), bare), *qualified])
        return [(place, name) for place, name in wanted] if len(wanted) <= FEW else None

    def named_by(self, pod: Pod) -> list[str]:
        """Return how `names` may call this pod."""
        name, namespace = pod.metadata.name, pod.metadata.namespace
        chosen = self.namespaces is None or namespace in self.namespaces
        return [f"{namespace}/{name}", *([name] if chosen else [])]


def pods_path(namespace: str | None, root: str = "/api/v1") -> str:
    """Return the path of the pod list of a namespace, or of all."""
    return f"{root}/pods" if namespace is None else f"{root}/namespaces/{namespace}/pods"


def list_pods(api: Api, selection: Selection, report: Report) -> Iterator[Pod]:
    """Yield the selected pods as the pages come; what cannot be had is told to `report`.

    Reported: a name that no pod has, a pod of a strange shape, a namespace that is denied beside others
    that are not. A namespace that does not exist has an empty list, so the API says. Raises a ClusterError
    where nothing at all can be listed, and UsageError for names that cannot be.
    """
    wanted = selection.by_name
    if wanted is not None:
        found = (pod for namespace, name in wanted for pod in _named(api, namespace, name))
    else:
        places = selection.places
        found = (pod for place in places for pod in _listed(api, place, selection, report, len(places) == 1))
    yield from found if selection.names is None else _picked(found, selection, report)


def read_pod(api: Api, namespace: str, name: str) -> Pod | None:
    """Return the pod of that name, None where there is none. Raises a ClusterError."""
    right = Right("get", "pods", namespace=namespace, name=name)
    try:
        return api.get_as(_POD, f"{pods_path(namespace)}/{name}", right)
    except MissingError:
        return None


def _named(api: Api, namespace: str, name: str) -> Iterator[Pod]:
    pod = read_pod(api, namespace, name)
    if pod is not None:
        yield pod


def _listed(api: Api, place: str | None, selection: Selection, report: Report, only: bool) -> Iterator[Pod]:  # noqa: FBT001 # private
    listing = Listing(pods_path(place), Right("list", "pods", namespace=place), Pod, selection.query)
    try:
        yield from items(api, listing, report)
    except DeniedError as error:
        if only:
            raise
        report(missing(error, "namespace", str(place)))


def _picked(found: Iterator[Pod], selection: Selection, report: Report) -> Iterator[Pod]:
    left = dict.fromkeys(selection.names or ())
    wanted = frozenset(left)
    for pod in found:
        meant = wanted.intersection(selection.named_by(pod))
        for name in meant:
            left.pop(name, None)
        if meant:
            yield pod
    for name in left:
        where = "There is no pod" if "/" in name else "No pod of the chosen namespaces is called"
        detail = f"{where} {name}: see `kubectl get pods -A`."
        report(Missing(kind="pod", name=name, reason=NOT_FOUND, detail=detail))


def missing(error: ClusterError, kind: str, name: str) -> Missing:
    """Return the entry of `missing` that says what `error` cost."""
    reason = "denied" if isinstance(error, DeniedError) else "unavailable"
    return Missing(kind=kind, name=name, reason=reason, detail=str(error))
