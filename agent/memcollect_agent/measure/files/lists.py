"""Which pages of files each cgroup pays for, counted page by page once a sample -> wire.CgroupPages."""

from collections.abc import Mapping

import msgspec

from memcollect_agent.errors import AgentError
from memcollect_agent.measure.files.walk import Bounds
from memcollect_agent.read.frames import CachePages, cache_pages
from memcollect_agent.wire import CgroupPages


class PageLists:
    """Looks through the machine's pages when the first pod asks, and not again."""

    def __init__(self, proc_root: str, bounds: Bounds) -> None:
        self._proc = proc_root
        self._bounds = bounds
        self._found: dict[int, CachePages] | None = None
        self._unknown = ""

    def of(self, cgroups: Mapping[int, str]) -> tuple[list[CgroupPages] | None, str]:
        """Return what these cgroups (inode -> path) pay for; None, and why, where that is not known."""
        if self._found is None and not self._unknown:
            self._look()
        if self._found is None:
            return None, self._unknown
        own = ((path, self._found.get(inode)) for inode, path in cgroups.items())
        return [CgroupPages(path=path, **msgspec.structs.asdict(pages)) for path, pages in own if pages], ""

    def _look(self) -> None:
        try:
            self._found = cache_pages(self._proc, self._bounds.until)
        except AgentError as error:
            self._unknown = str(error)
