"""What the live view asks, round after round: the cluster's agents and APIs, or this machine. All its I/O.

watch     what a source of rounds is
asking    workers that stay, each with its own way to the agents
errand    kubectl top's numbers, asked for beside everything else
cluster   the rounds of a cluster
local     the rounds of this machine
"""
