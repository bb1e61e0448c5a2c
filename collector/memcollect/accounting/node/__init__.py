"""A whole node: what its memory is used for, who holds it, from MemAvailable to kubectl top node. Pure.

facts      what meminfo, vmstat, the root's memory.stat and the cgroup tree say, by name
kinds      terms + residual = MemTotal, by use
holders    the cgroups that hold it, each byte of charge in one of them
owners     terms + residual = MemTotal, by holder
ladder     MemAvailable -> MemTotal -> root cgroup -> the kubelet's working set -> kubectl top node
"""
