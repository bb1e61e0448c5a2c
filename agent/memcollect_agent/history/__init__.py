"""A short ring of points for each pod and container cgroup, so that numbers of the past can be met.

The number of `kubectl top` is up to a minute old. What the working set was at *its* time can only be
told by who looked then: every two seconds the recorder reads memory.stat and memory.current of every
pod's cgroup and its children, and keeps two minutes of it.
"""

from memcollect_agent.history.recorder import Recorder, Settings
from memcollect_agent.history.ticker import Ticker

__all__ = ["Recorder", "Settings", "Ticker"]
