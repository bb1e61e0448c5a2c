"""Whether a tree still has the cgroups that it had when it was walked, told without walking it again.

A directory has two links and one more for each child. As many as there were, and those that were known still
there: then there is no other. On cgroup v2 an inode is never used again. Where links are not counted so,
nothing ever stands.
"""

import os
from collections.abc import Mapping

from memcollect_agent.errors import AgentError
from memcollect_agent.history.followed import Followed
from memcollect_agent.read.cgroupfs import CgroupDir, CgroupFs
from memcollect_agent.read.hanging import reading

OWN_LINKS = 2
"""Of a directory without children: fs/kernfs/inode.c, kernfs_refresh_inode."""


class Standing:
    """What one walk saw."""

    def __init__(self) -> None:
        self._inodes: dict[str, int] = {}
        """Of each directory that was opened, by path."""
        self._links: dict[str, int] = {}
        """Of each whose children were listed: what it has while it has no others."""

    def opened(self, directory: CgroupDir) -> None:
        """Note a directory."""
        self._inodes[directory.path] = directory.inode

    def listed(self, path: str, children: list[str]) -> None:
        """Note what is below it."""
        self._links[path] = OWN_LINKS + len(children)

    def unlisted(self, path: str) -> None:
        """Note that nobody knows what is below it: then nothing stands."""
        self._links[path] = 0

    def stands(self, cgroups: CgroupFs, followed: Mapping[str, Followed]) -> bool:
        """Return whether no cgroup was made since. What is `followed` was there when it was last read."""
        if not self._inodes:
            return False
        try:
            with cgroups.open() as top, reading(f"{cgroups.root}/.", alone=True):
                return self._has_all(top, followed) and self._has_no_more(followed)
        except (AgentError, OSError):
            return False

    def _has_all(self, top: CgroupDir, followed: Mapping[str, Followed]) -> bool:
        for path, inode in self._inodes.items():
            if path in followed:
                continue
            now = os.stat(path[1:] or ".", dir_fd=top.fd, follow_symlinks=False)
            if now.st_ino != inode or now.st_nlink != self._links.get(path, now.st_nlink):
                return False
        return True

    def _has_no_more(self, followed: Mapping[str, Followed]) -> bool:
        return all(
            os.fstat(followed[path].directory.fd).st_nlink == links
            for path, links in self._links.items()
            if path in followed
        )


class NotedDir(CgroupDir):
    """A directory of a walk that is noted."""

    __slots__ = ("_standing",)

    def __init__(self, directory: CgroupDir, standing: Standing) -> None:
        """Take the place of `directory`, which is not to be closed any more."""
        super().__init__(directory.root, directory.path, directory.fd, directory.depth)
        self._standing = standing
        standing.opened(self)

    def children(self) -> list[str]:
        """Return the names of the child cgroups, sorted."""
        try:
            names = super().children()
        except AgentError:
            self._standing.unlisted(self.path)
            raise
        self._standing.listed(self.path, names)
        return names

    def child(self, name: str) -> CgroupDir:
        """Open a child cgroup."""
        return NotedDir(super().child(name), self._standing)
