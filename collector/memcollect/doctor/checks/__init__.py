"""The checks, in the order in which they are shown: what a later one needs stands before it. Pure."""

from __future__ import annotations

from memcollect.doctor.checks import (
    agents,
    answers,
    api,
    cgroups,
    clock,
    cost,
    history,
    kernel,
    machine,
    metrics,
    orphans,
    pods,
    processes,
    rights,
    versions,
)
from memcollect.doctor.engine import Check
from memcollect.doctor.facts import ClusterFacts
from memcollect.doctor.local import LocalFacts

CLUSTER: tuple[Check[ClusterFacts], ...] = (
    Check("kubeconfig", "kubeconfig", api.kubeconfig),
    Check("api", "API server", api.reachable, ("kubeconfig",)),
    Check("rights-pods", "right: pods", rights.pods, ("api",)),
    Check("rights-metrics", "right: metrics", rights.metrics, ("api",)),
    Check("rights-nodes", "right: nodes", rights.nodes, ("api",)),
    Check("rights-runtimeclasses", "right: classes", rights.runtime_classes, ("api",)),
    Check("rights-agents", "right: agents", rights.agents, ("api",)),
    Check("rights-forward", "right: forward", rights.forwards, ("api",)),
    Check("pods", "pods", pods.present, ("api", "rights-pods")),
    Check("metrics-api", "metrics API", metrics.present, ("api", "rights-metrics")),
    Check("metrics-age", "metrics age", metrics.fresh, ("metrics-api",)),
    Check("agents", "agents", agents.deployed, ("api", "rights-agents")),
    Check("agent-answers", "agents answer", answers.answering, ("agents", "rights-forward")),
    Check("agent-versions", "agent versions", versions.agreeing, ("agent-answers",)),
    Check("cgroup-version", "cgroup version", cgroups.version, ("agent-answers",)),
    Check("cgroup-driver", "cgroup driver", cgroups.driver, ("cgroup-version",)),
    Check("pod-cgroups", "pods' cgroups", cgroups.of_pods, ("cgroup-version", "pods")),
    Check("kernel", "kernel", kernel.itemised, ("cgroup-version",)),
    Check("processes", "processes", processes.readable, ("cgroup-version",)),
    Check("orphans", "orphans", orphans.known, ("agent-answers",)),
    Check("clock", "clocks", clock.agreeing, ("agent-answers",)),
    Check("history", "history", history.kept, ("agent-answers",)),
    Check("agent-cost", "agents' cost", cost.small, ("agent-answers",)),
)

LOCAL: tuple[Check[LocalFacts], ...] = (
    Check("cgroup-version", "cgroup version", machine.cgroup_version),
    Check("memory-stat", "memory.stat", machine.memory_stat, ("cgroup-version",)),
    Check("processes", "processes", machine.processes),
    Check("pressure", "pressure", machine.pressure, ("cgroup-version",)),
    Check("swap", "swap", machine.swap),
)
