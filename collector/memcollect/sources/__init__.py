"""All input and output of the collector: the cluster, its agents, this machine.

What to call for what:

    which cluster, as whom            kube_config.connect -> Cluster
    asking its API server             api.Api(cluster): deadlines, retries, refusals as ClusterErrors
    its version                       version.server_version
    the pods of a selection           pods.list_pods(api, pods.Selection(...), report), page by page
    nodes, runtime classes            nodes.list_nodes, runtime_classes.runtime_classes
    kubectl top's numbers             metrics.pod_usage -> Metrics, in bytes; why there are none, in gaps
    a quantity as a number            quantities.whole (bytes), quantities.nanos (CPU)
    the agent of each node            agent_pods.find_agents -> {node: AgentPod}
    samples from the agents           agents.fetch_samples(targets, request, transports) -> Answers
    the way to an agent               portforward.port_forwarding(cluster); direct.DirectTransport for tests
    how many at once                  agents.Limits; port-forwards no more than descriptors.most_workers
    history along with the samples    wire.SampleRequest(history=True, history_since=...) to fetch_samples
    another question to an agent      AgentConversation.ask("POST", "/v1/history", History, request)
    which rights are needed, are had  rights.needed_rights, access.review

`report` is a function that takes a snapshot's Missing: for what was asked for and cannot be had while the
rest can. What cannot be had at all raises a ClusterError, one sentence with a remedy. What Kubernetes says
comes as the structs of memcollect.kubernetes.objects; what agents say as those of memcollect_agent.wire.

    with Api(connect(kubeconfig, context)) as api:
        pods = list(list_pods(api, selection, report))
        agents = find_agents(api, report, {pod.spec.node_name for pod in pods})
        for answer in fetch_samples(targets, request, port_forwarding(api.cluster)):
            ...
"""
