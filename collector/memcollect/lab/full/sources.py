"""This project's own programs, as they stand on this machine now, for a guest that runs them."""

from importlib.util import find_spec
from pathlib import Path

from memcollect.lab.errors import LabError
from memcollect.lab.full.recipe import SOURCES
from memcollect.lab.full.remote import Remote

_PACKAGES = ("memcollect", "memcollect_agent")


def put(remote: Remote, further: tuple[Path, ...] = ()) -> None:
    """Put our packages, and further directories that hold modules, where the guest's Python finds them."""
    remote.check(["rm", "-rf", SOURCES])
    remote.put(
        [(_directory(name), name) for name in _PACKAGES] + [(each, each.name) for each in further], SOURCES
    )


def _directory(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise LabError(f"the package {package} is not installed here", "Install memcollect[demo] to have it.")
    return Path(next(iter(spec.submodule_search_locations)))
