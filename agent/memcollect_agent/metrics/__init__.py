"""The node's pods and the agent's own cost as metrics, for the Prometheus that people already run.

Off unless `--metrics-listen` is given. A scrape reads memory.stat, memory.current, memory.max,
memory.swap.current and memory.events of pods' cgroups and their children anew, with the readers that a
sample uses: the history has no kernel parts and no swap, may be turned off, and its last point is up to two
seconds old.
Processes are not touched by a scrape; Σ PSS comes from a slow pass of its own, and only when asked for.

A number that the kernel did not give is left out of the page: a series that is absent, never a 0.
Names of pods are Kubernetes' and come from kube-state-metrics: recording rules join them.
"""
