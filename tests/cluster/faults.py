"""The faults of docs/troubleshooting.md: which of them a cluster is shown, and which would harm it."""

HARMFUL = {
    "a node's kubelet is down": "it would stop the kubelet of a node",
    "the agent ran out of memory": "it would end an agent",
    "the agent was evicted": "it would fill a node",
    "the agent crashed": "it would end an agent",
    "the agent's pod was replaced, as by a roll-out": "it would end an agent",
    "the agent hangs": "nothing from outside makes an agent hang",
    "a node's agent was evicted before": "it would fill a node",
    "the agent lacks a capability": "it would deploy another agent",
    "metrics-server hangs or fails": "it would stop metrics-server",
}
TRIED = (
    "another port than the agent's",
    "a node has no agent",
    "there is no metrics-server",
    "a pod was deleted meanwhile",
    "a pod was evicted",
    "a pod is not made yet",
    "you may not reach the agents",
)
