"""/proc/PID/cgroup: where a process is in each hierarchy (cgroups(7)); the one with number 0 is cgroup v2.

    0::/system.slice/containerd.service

A reader in a cgroup namespace of its own sees what is outside of it as /../../other.slice.
"""

from memcollect_agent.errors import ParseError


def parse(data: bytes, source: str = "cgroup") -> str:
    """Return the path on the v2 hierarchy. Raises ParseError where there is none."""
    for line in data.decode("utf-8", "backslashreplace").splitlines():
        if line.startswith("0::/"):
            return line.removeprefix("0::")
    raise ParseError(source, 0, "has no line of cgroup v2")
