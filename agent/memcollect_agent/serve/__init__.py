"""The agent as a service: HTTP on the loopback of its own pod, reached by port-forward alone.

    POST /v1/sample     body SampleRequest    -> NodeSample
    POST /v1/history    body HistoryRequest   -> History
    GET  /healthz                             -> "ok", "ok, but …" what is left out, or 503 "degraded: …"

Bodies are JSON (Content-Type: application/json) or MessagePack (application/msgpack); answers are
MessagePack, or JSON where Accept names it. Every answer says Memcollect-Schema and Memcollect-Agent.
A refusal is one sentence in plain text:

    400  the request does not say what it should
    403  whole command lines, and the agent was not started to allow them; or a web page is asking
    404  no such path, or no history is kept          405  wrong method        413  the body is too large
    415  neither JSON nor MessagePack                   426  another schema: the sentence says what to upgrade
    500  the node cannot be measured (cgroup v1, say)   503  too many different requests wait; Retry-After

A sampling that succeeds in part is a 200 whose `problems` tell the rest. On a second port, which the pod
network sees, stands a bare /healthz for the kubelet, and with --metrics-listen a page for Prometheus
(memcollect_agent.metrics) on a third. There are no credentials here, and nothing is written: Kubernetes'
RBAC on pods/portforward is the door.
"""
