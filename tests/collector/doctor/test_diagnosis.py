"""One broken thing at a time, in a cluster that is otherwise well: the line that says so, and its remedy."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from memcollect.doctor.result import Result
from memcollect.testing import EVENTS, NODES, POD_METRICS, PODS, Fault, StreamFault, objects
from memcollect_agent.measure.sample import Roots
from memcollect_agent.wire import NodeSample, Problem, ProcessSums, SkippedProcess
from worlds.agent_trees import Machine, recorded
from worlds.doctor_stage import CONDITION, LABELS, UIDS, Stage, old_recorder, with_clock
from worlds.tcp_agents import hanging, http_answer, saying


def failing(lines: dict[str, Result]) -> list[str]:
    return [name for name, line in lines.items() if line.status == "fail"]


def warning(lines: dict[str, Result]) -> list[str]:
    return [name for name, line in lines.items() if line.status == "warn"]


def test_a_healthy_cluster_is_all_green(healthy: Stage) -> None:
    report = healthy.report()
    statuses = {result.check: (result.status, result.sentence) for result in report.results}
    assert {status for status, _ in statuses.values()} == {"ok"}, statuses
    assert report.status == "ok"
    assert statuses["agents"][1] == "2 ready of 2 desired, one on each Linux node."
    assert statuses["cgroup-version"][1] == "v2 on 2 nodes."
    assert statuses["cgroup-driver"][1] == "systemd on 2 nodes."
    assert statuses["history"][1] == "The agents remember at least 2 min."


def test_a_kubeconfig_that_is_not_there_skips_everything_else(stage: Stage) -> None:
    lines = stage.lines(kubeconfig="/nowhere/config")
    assert failing(lines) == ["kubeconfig"]
    assert "/nowhere/config" in lines["kubeconfig"].sentence
    assert lines["kubeconfig"].remedy.startswith("Choose one with --kubeconfig")
    others = [line for name, line in lines.items() if name != "kubeconfig"]
    assert {(line.status, line.because) for line in others} == {("skipped", "kubeconfig")}


def test_an_api_server_that_hangs_fails_in_time(stage: Stage) -> None:
    stage.state.fault(Fault("/version", hang=True, times=None))
    lines = stage.lines(timeout=0.3)
    assert failing(lines) == ["api"]
    assert "does not answer" in lines["api"].sentence or "did not answer" in lines["api"].sentence
    assert lines["api"].commands == [f"kubectl --kubeconfig {stage.kubeconfig} cluster-info"]


def test_credentials_that_are_not_accepted_are_told_once_as_the_cause(stage: Stage) -> None:
    stage.state.access.tokens["right"] = "somebody"
    stage.state.fault(Fault("/version", status=401, times=None))
    lines = stage.lines()
    assert failing(lines) == ["api"]
    assert "does not accept the credentials" in lines["api"].sentence


@pytest.mark.parametrize(
    ("resource", "group", "check", "told"),
    [
        ("pods", "", "rights-pods", "You may not get and list pods in namespace deer-flow."),
        (
            "pods",
            "metrics.k8s.io",
            "rights-metrics",
            "get and list pods.metrics.k8s.io in namespace deer-flow",
        ),
        ("nodes", "", "rights-nodes", "get and list nodes of the cluster"),
        (
            "runtimeclasses",
            "node.k8s.io",
            "rights-runtimeclasses",
            "get and list runtimeclasses.node.k8s.io of the cluster",
        ),
        ("pods/portforward", "", "rights-forward", "get and create pods/portforward in namespace memcollect"),
    ],
)
def test_a_right_that_is_lacking_is_named_with_the_command_that_checks_it(
    healthy: Stage, resource: str, group: str, check: str, told: str
) -> None:
    namespace = "memcollect" if "/" in resource else "*" if resource != "pods" else "deer-flow"
    healthy.state.access.deny(resource=resource, group=group, namespace=namespace)
    line = healthy.lines()[check]
    assert line.status == "fail"
    assert told in line.sentence
    assert "deploy/ has" in line.remedy or "role in deploy/" in line.remedy
    assert line.commands[0].startswith(f"kubectl --kubeconfig {healthy.kubeconfig} auth can-i ")
    assert {item.status for item in line.items} <= {"ok", "fail"}


def test_without_the_right_to_list_nodes_the_agents_are_still_looked_at(healthy: Stage) -> None:
    healthy.state.access.deny(resource="nodes")
    lines = healthy.lines()
    assert failing(lines) == ["rights-nodes"]
    assert lines["agents"].sentence.startswith(
        "2 of 2 agents ready; which nodes have none cannot be told: You"
    )
    assert lines["history"].status == "ok"


def test_without_the_right_to_forward_the_agents_questions_are_skipped(healthy: Stage) -> None:
    healthy.state.access.deny(resource="pods/portforward")
    lines = healthy.lines()
    assert failing(lines) == ["rights-forward"]
    assert lines["agents"].status == "ok"
    assert {lines[name].because for name in ("agent-answers", "clock", "history")} == {"rights-forward"}


def test_create_of_port_forwards_is_only_foretold_by_servers_that_do_not_ask_for_it(healthy: Stage) -> None:
    healthy.state.version |= {"minor": "34", "gitVersion": "v1.34.1"}
    healthy.state.access.deny("create", "pods/portforward")
    line = healthy.lines()["rights-forward"]
    assert line.status == "warn"
    assert "1.35 will ask" in line.sentence


def test_without_the_right_to_list_agents_what_needs_them_is_skipped(healthy: Stage) -> None:
    healthy.state.access.deny("list", "pods", group="", namespace="memcollect")
    lines = healthy.lines()
    assert failing(lines) == ["rights-agents"]
    assert lines["agents"].because == "rights-agents"


def test_rights_that_the_server_does_not_tell_are_failures_and_not_waited_for_one_by_one(
    healthy: Stage,
) -> None:
    healthy.state.fault(Fault("/apis/authorization.k8s.io", status=400, times=None))
    lines = healthy.lines()
    assert lines["rights-nodes"].status == "fail"
    assert lines["rights-nodes"].sentence.startswith("The API server did not say whether you may get nodes")
    asked = [path for path in healthy.state.requests.paths() if "authorization" in path]
    assert len(asked) == 2


def test_no_metrics_api_names_what_to_install(healthy: Stage) -> None:
    healthy.state.metrics = False
    lines = healthy.lines()
    assert failing(lines) == ["metrics-api"]
    assert lines["metrics-api"].remedy == "Install metrics-server:"
    assert "helm upgrade --install metrics-server" in lines["metrics-api"].commands[1]
    assert lines["metrics-age"].because == "metrics-api"


def test_a_metrics_api_that_is_down_names_where_to_look(healthy: Stage) -> None:
    healthy.state.fault(Fault("/apis/metrics.k8s.io", status=503, times=None))
    lines = healthy.lines()
    assert failing(lines) == ["metrics-api"]
    assert any("apiservice v1beta1.metrics.k8s.io" in command for command in lines["metrics-api"].commands)


def test_stale_metrics_warn_with_the_ages(healthy: Stage) -> None:
    healthy.pod("sandbox-2", "n2", metrics_age=300)
    lines = healthy.lines()
    assert (failing(lines), warning(lines)) == ([], ["metrics-age"])
    assert "to 5 min old: those of 1 pod of 2 are older than 90 s" in lines["metrics-age"].sentence
    assert lines["metrics-age"].commands[0].endswith("logs -n kube-system deploy/metrics-server --tail=20")


def test_ages_are_by_the_nodes_clocks_not_by_a_wrong_one_here(stage: Stage) -> None:
    stage.node("n1")
    stage.agent("n1", change=with_clock(600))
    stage.pod("sandbox-1", "n1", metrics_age=-580)
    lines = stage.lines()
    assert warning(lines) == ["clock"]
    assert lines["metrics-age"].sentence.startswith("The numbers are 2")


def test_no_pods_and_no_numbers_are_told_apart_from_a_fault(healthy: Stage) -> None:
    healthy.state.remove(PODS, "sandbox-1", "deer-flow")
    healthy.state.remove(POD_METRICS, "sandbox-1", "deer-flow")
    lines = healthy.lines()
    assert (failing(lines), warning(lines)) == ([], ["pods"])
    assert lines["pods"].sentence == "There is no pod in namespace deer-flow: nothing to measure."
    assert lines["metrics-age"].status == "skipped"


@pytest.mark.parametrize("number", [1, 2])
def test_pods_of_which_none_runs_are_counted(stage: Stage, number: int) -> None:
    stage.node("n1")
    stage.agent("n1")
    for each in range(number):
        pod = objects.pod("deer-flow", f"done-{each}", node="n1")
        pod["status"]["phase"] = "Succeeded"
        stage.state.put(PODS, pod)
    told = stage.lines()["pods"]
    assert told.sentence == f"No pod runs in namespace deer-flow, of {number} there: nothing to measure."


def test_running_pods_without_any_numbers_are_a_warning(healthy: Stage) -> None:
    healthy.state.remove(POD_METRICS, "sandbox-1", "deer-flow")
    line = healthy.lines()["metrics-age"]
    assert (line.status, line.sentence) == (
        "warn",
        "Of 1 pod running in namespace deer-flow none has numbers.",
    )


def test_no_agents_at_all_names_how_to_deploy_them(stage: Stage) -> None:
    stage.node("n1")
    stage.pod("sandbox-1", "n1")
    lines = stage.lines()
    assert failing(lines) == ["agents"]
    assert "--agent-namespace" in lines["agents"].remedy
    assert lines["agents"].commands[0].endswith("apply -k deploy/base")
    assert lines["history"].because == "agents"


def test_a_node_without_agent_is_named_and_the_others_are_still_asked(healthy: Stage) -> None:
    healthy.node("bare")
    lines = healthy.lines()
    assert failing(lines) == ["agents"]
    assert lines["agents"].sentence == (
        "2 ready of 3 desired: bare cannot be measured, for there is no agent."
    )
    assert lines["agents"].commands[0].endswith("describe node bare")
    assert lines["agent-answers"].status == "ok"


def test_an_agent_that_is_not_ready_is_named_with_the_command_that_tells_why(healthy: Stage) -> None:
    healthy.node("n3")
    healthy.agent_pod("n3", None, ready=False)
    lines = healthy.lines()
    assert failing(lines) == ["agents"]
    assert "n3 cannot be measured" in lines["agents"].sentence
    assert "it is not ready" in lines["agents"].sentence
    assert "taint" not in lines["agents"].remedy
    assert lines["agents"].commands[0].endswith("describe pod -n memcollect agent-n3")


@pytest.mark.parametrize(
    ("word", "told", "command"),
    [
        ("ErrImagePull", "its image cannot be had", "describe pod -n memcollect agent-n3"),
        ("ImagePullBackOff", "its image cannot be had", "describe pod -n memcollect agent-n3"),
        ("CreateContainerError", "its container cannot be made", "describe pod -n memcollect agent-n3"),
        (
            "CrashLoopBackOff",
            "it starts and ends again",
            "logs -n memcollect agent-n3 --previous --tail=20",
        ),
    ],
)
def test_what_keeps_an_agent_is_told_by_the_pods_own_status(
    healthy: Stage, word: str, told: str, command: str
) -> None:
    healthy.node("n3")
    pod = objects.pod("memcollect", "agent-n3", node="n3", labels=LABELS)
    waiting = {"reason": word, "message": "the node's own words."}
    pod["status"] |= {
        "phase": "Pending",
        "conditions": [],
        "containerStatuses": [{"name": "agent", "state": {"waiting": waiting}}],
    }
    healthy.state.put(PODS, pod)
    line = healthy.lines()["agents"]
    assert f"{told} ({word}): the node's own words." in line.sentence
    (shown,) = line.commands
    assert shown.endswith(command)


@pytest.mark.parametrize(
    ("ended", "told", "command"),
    [
        (
            {"reason": "StartError", "exitCode": 128, "message": "stat /no/such/program: no such file"},
            "its container cannot be made (StartError): stat /no/such/program: no such file",
            "describe pod -n memcollect agent-n3",
        ),
        (
            {"reason": "OOMKilled", "exitCode": 137},
            "its memory limit is too low for it (OOMKilled): it last ended with exit code 137",
            "describe pod -n memcollect agent-n3",
        ),
        (
            {"reason": "Error", "exitCode": 2},
            "it starts and ends again (CrashLoopBackOff): it last ended with exit code 2",
            "logs -n memcollect agent-n3 --previous --tail=20",
        ),
    ],
)
def test_an_agent_between_two_tries_is_told_by_how_the_last_one_ended(
    healthy: Stage, ended: dict[str, Any], told: str, command: str
) -> None:
    healthy.node("n3")
    pod = objects.pod("memcollect", "agent-n3", node="n3", labels=LABELS)
    back_off = {"reason": "CrashLoopBackOff", "message": "back-off 20s restarting failed container=agent"}
    waits = {"state": {"waiting": back_off}, "lastState": {"terminated": ended}}
    for state in (waits, {"state": {"terminated": ended}}):
        pod["status"] |= {
            "phase": "Running",
            "conditions": [],
            "containerStatuses": [{"name": "agent", **state}],
        }
        healthy.state.put(PODS, pod)
        line = healthy.lines()["agents"]
        assert f"{told}." in line.sentence
        (shown,) = line.commands
        assert shown.endswith(command)


@pytest.mark.parametrize(
    ("said", "told", "remedy"),
    [
        ("0/3 nodes are available: 1 Insufficient memory.", "the node has no room for it", "ask for less"),
        ("0/3 nodes: 1 node(s) had untolerated taint {gpu: }.", "a taint keeps it away", "tolerate"),
        ("0/3 nodes are available: something new.", "it finds no place on the node", "the scheduler"),
    ],
)
def test_an_agent_that_no_node_has_taken_is_told_by_the_schedulers_words(
    healthy: Stage, said: str, told: str, remedy: str
) -> None:
    healthy.node("n3")
    healthy.state.put(PODS, waiting_agent("n3", said))
    lines = healthy.lines()
    assert failing(lines) == ["agents"]
    assert f"{told} (Unschedulable): {said}" in lines["agents"].sentence
    assert remedy in lines["agents"].remedy


@pytest.mark.parametrize(
    ("said", "told", "command"),
    [
        (
            'pods "memcollect-agent-x" is forbidden: exceeded quota: small, requested: pods=1',
            "a quota of its namespace is used up",
            "describe resourcequota -n memcollect",
        ),
        (
            'pods "memcollect-agent-x" is forbidden: violates PodSecurity "baseline:latest": hostPID',
            "Pod Security does not admit it",
            "get namespace memcollect --show-labels",
        ),
    ],
)
def test_an_agent_that_was_not_even_made_is_told_by_the_event(
    healthy: Stage, said: str, told: str, command: str
) -> None:
    healthy.node("n3")
    event = {"metadata": {"name": "e", "namespace": "memcollect"}, "reason": "FailedCreate", "message": said}
    healthy.state.put(EVENTS, event)
    line = healthy.lines()["agents"]
    assert f"n3 cannot be measured, for there is no agent, for {told}: {said}" in line.sentence
    assert line.commands[0].endswith(command)


def test_where_no_agent_at_all_could_be_made_the_event_is_told_and_not_how_to_deploy(stage: Stage) -> None:
    said = 'Error creating: pods "memcollect-agent-x" is forbidden: exceeded quota: small, requested: pods=1'
    message = f"(combined from similar events): {said}"
    event = {
        "metadata": {"name": "e", "namespace": "memcollect"},
        "reason": "FailedCreate",
        "message": message,
    }
    stage.node("n1")
    stage.state.put(EVENTS, event)
    line = stage.lines()["agents"]
    assert line.sentence.endswith(f"memcollect-agent, for a quota of its namespace is used up: {said}.")
    assert [command.partition(" describe ")[2] for command in line.commands] == [
        "resourcequota -n memcollect"
    ]


def test_where_every_node_keeps_pods_away_that_is_told_with_the_missing_agents(stage: Stage) -> None:
    stage.node("n1", spec={"taints": [{"key": "dedicated", "effect": "NoSchedule"}]})
    stage.node("n2", spec={"unschedulable": True})
    line = stage.lines()["agents"]
    assert line.sentence.endswith(
        ", and every Linux node is set aside: n1 is tainted dedicated, n2 is cordoned."
    )
    assert "tolerates every taint" in line.remedy
    assert line.commands[0].endswith("apply -k deploy/base")
    stage.node("n3")
    line = stage.lines()["agents"]
    assert line.sentence.endswith("memcollect-agent.")
    assert "--agent-namespace" in line.remedy


def test_without_the_right_to_list_events_the_node_is_still_named(healthy: Stage) -> None:
    healthy.node("n3")
    healthy.state.access.deny("list", "events")
    assert "n3 cannot be measured, for there is no agent." in healthy.lines()["agents"].sentence


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"unschedulable": True}, "cordoned"),
        ({"taints": [{"key": "dedicated", "effect": "NoSchedule"}]}, "tainted dedicated"),
    ],
)
def test_a_node_that_keeps_pods_away_is_only_a_warning(
    healthy: Stage, spec: dict[str, object], why: str
) -> None:
    healthy.node("aside", spec=spec)
    lines = healthy.lines()
    assert (failing(lines), warning(lines)) == ([], ["agents"])
    item = next(item for item in lines["agents"].items if item.name == "aside")
    assert item.detail == f"is no agent; the node is {why}"


def test_a_node_that_keeps_pods_away_fails_where_pods_to_be_measured_are_there(healthy: Stage) -> None:
    healthy.node("aside", spec={"unschedulable": True})
    healthy.pod("sandbox-3", "aside")
    lines = healthy.lines()
    assert "agents" in failing(lines)
    assert (
        "aside cannot be measured, for there is no agent; the node is cordoned, and 1 pod to be measured is"
        in (lines["agents"].sentence)
    )


NO_MEMORY = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 60Mi."
WHEN = "2026-11-30T04:05:06Z"
TAINTED = {"taints": [{"key": "node.kubernetes.io/memory-pressure", "effect": "NoSchedule"}]}
EVICTION = f"evicted at {WHEN} ({NO_MEMORY.rstrip('.')})"


def evicted_agent(node: str) -> dict[str, Any]:
    """Return a pod as the kubelet leaves it that it evicts before its container was made."""
    pod = objects.pod("memcollect", "agent-gone", node=node, labels=LABELS)
    waits = {"name": "agent", "state": {"waiting": {"reason": "ContainerCreating"}}}
    condition = {"type": "DisruptionTarget", "status": "True", "lastTransitionTime": WHEN}
    pod["status"] = {
        "phase": "Failed",
        "reason": "Evicted",
        "message": NO_MEMORY,
        "conditions": [condition],
        "containerStatuses": [waits],
    }
    return pod


def waiting_agent(node: str, said: str) -> dict[str, Any]:
    """Return a pod that a DaemonSet has made for the node, which has not taken it."""
    pod = objects.pod("memcollect", "agent-waits", labels=LABELS)
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    pod["spec"].pop("nodeName", None)
    pod["spec"]["affinity"] = {"nodeAffinity": required}
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": said}
    pod["status"] = {"phase": "Pending", "conditions": [condition]}
    return pod


def evicted_event(pod: str, node: str) -> dict[str, Any]:
    return {
        "metadata": {"name": f"{pod}.1", "namespace": "memcollect"},
        "reason": "Evicted",
        "message": NO_MEMORY,
        "involvedObject": {"kind": "Pod", "name": pod},
        "source": {"component": "kubelet", "host": node},
        "lastTimestamp": WHEN,
    }


def assert_short_of_memory(line: Result, node: str) -> None:
    assert line.status == "fail"
    assert EVICTION in line.sentence
    assert line.sentence.count("evicted") == 1
    assert "Free what the node ran out of" in line.remedy
    assert "system-node-critical" in line.remedy
    assert [command.partition(" describe ")[2] for command in line.commands] == [f"node {node}"]


@pytest.mark.parametrize("spec", [{}, TAINTED, {"unschedulable": True}])
def test_an_evicted_agent_fails_with_when_and_why_and_what_to_do(
    healthy: Stage, spec: dict[str, object]
) -> None:
    healthy.node("n3", spec=spec)
    healthy.state.put(PODS, evicted_agent("n3"))
    line = healthy.lines()["agents"]
    assert_short_of_memory(line, "n3")
    assert "n3 cannot be measured, for there the agent cannot be asked: it was evicted" in line.sentence


def test_the_follower_of_an_evicted_agent_that_waits_for_the_taint_names_both(healthy: Stage) -> None:
    said = "0/3 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/memory-pressure: }."
    healthy.node("n3", spec=TAINTED)
    healthy.state.put(PODS, evicted_agent("n3"))
    healthy.state.put(PODS, waiting_agent("n3", said))
    line = healthy.lines()["agents"]
    assert_short_of_memory(line, "n3")
    assert said.rstrip(".") in line.sentence
    assert "tolerate" not in line.remedy


@pytest.mark.parametrize(
    "following", [[], [waiting_agent("n3", "1 untolerated taint {k.io/disk-pressure: }")]]
)
def test_an_evicted_agent_that_is_gone_is_told_by_the_event(
    healthy: Stage, following: list[dict[str, Any]]
) -> None:
    healthy.node("n3", spec=TAINTED)
    for pod in following:
        healthy.state.put(PODS, pod)
    healthy.state.put(EVENTS, evicted_event("agent-gone", "n3"))
    healthy.state.put(EVENTS, evicted_event("other-gone", "n1"))
    assert_short_of_memory(healthy.lines()["agents"], "n3")


def test_evictions_of_others_in_the_agents_namespace_are_not_the_agents(healthy: Stage) -> None:
    healthy.node("n3")
    healthy.state.put(EVENTS, evicted_event("other-gone", "n3"))
    assert healthy.lines()["agents"].sentence.endswith("n3 cannot be measured, for there is no agent.")


def test_an_agent_that_runs_again_is_no_fault_whatever_was_before(healthy: Stage) -> None:
    healthy.state.put(PODS, evicted_agent("n1"))
    healthy.state.put(EVENTS, evicted_event("agent-gone", "n1"))
    assert healthy.lines()["agents"].status == "ok"


def test_what_is_true_of_one_node_is_not_said_of_another(healthy: Stage) -> None:
    healthy.node("n3")
    healthy.node("n4")
    healthy.state.put(PODS, evicted_agent("n3"))
    sentence = healthy.lines()["agents"].sentence
    assert "n3 cannot be measured, for there the agent cannot be asked: it was evicted" in sentence
    assert sentence.endswith("; nor n4, for its own reason.")


def test_a_windows_node_needs_no_agent(healthy: Stage) -> None:
    node = objects.node("windows")
    node["status"]["nodeInfo"]["operatingSystem"] = "windows"
    healthy.state.put(NODES, node)
    assert healthy.report().status == "ok"


def test_an_agent_that_refuses_is_named_with_its_log(healthy: Stage) -> None:
    healthy.node("n3")
    healthy.agent_pod("n3", None)
    lines = healthy.lines()
    assert failing(lines) == ["agent-answers"]
    assert lines["agent-answers"].sentence.startswith("No answer from 1 of 3 nodes (n3): Nothing listens on")
    assert "--agent-port" in lines["agent-answers"].remedy
    assert lines["agent-answers"].commands[0].endswith("logs -n memcollect agent-n3 --tail=20")
    assert lines["cgroup-version"].sentence == "v2 on 2 nodes."


def test_a_kubelet_that_is_down_is_named_and_no_log_is_promised(healthy: Stage) -> None:
    said = {
        "kind": "Status",
        "message": "error dialing backend: dial tcp 10.0.0.7:10250: connect: connection refused",
    }
    down = Fault(".*/portforward", times=None, status=500, body=msgspec.json.encode(said))
    healthy.state.fault(down)
    line = healthy.lines()["agent-answers"]
    assert "The kubelet of node n1 cannot be reached" in line.sentence
    assert [command.partition(" describe ")[2] for command in line.commands] == ["node n1"]


def test_an_agent_that_hangs_costs_its_time_and_names_the_timeout(healthy: Stage) -> None:
    healthy.node("n3")
    healthy.strange_agent("n3", hanging)
    line = healthy.lines(timeout=1.0)["agent-answers"]
    assert line.status == "fail"
    assert "did not answer in 1 s" in line.sentence
    assert "--timeout 60" in line.remedy


def test_a_forward_that_is_cut_is_no_crash(healthy: Stage) -> None:
    healthy.state.fault(
        Fault(".*/agent-n1/portforward", stream=StreamFault.CUT, stream_after_bytes=20, times=None)
    )
    lines = healthy.lines()
    assert failing(lines) == ["agent-answers"]
    assert [item.name for item in lines["agent-answers"].items if item.status == "fail"] == ["n1"]


def test_where_no_agent_answers_what_they_would_say_is_skipped(stage: Stage) -> None:
    stage.node("n1")
    stage.agent_pod("n1", None)
    stage.pod("sandbox-1", "n1")
    lines = stage.lines()
    assert failing(lines) == ["agent-answers"]
    assert {lines[name].because for name in ("cgroup-driver", "kernel", "history")} == {"agent-answers"}


def test_an_agent_of_another_schema_says_exactly_what_to_upgrade(healthy: Stage) -> None:
    healthy.node("n3")
    healthy.strange_agent("n3", saying(http_answer(b"", schema="7")))
    lines = healthy.lines()
    assert failing(lines) == ["agent-versions"]
    sentence = lines["agent-versions"].sentence
    assert "1 of 3 nodes (n3)" in sentence
    assert sentence.endswith("upgrade memcollect here to a release with schema 7.")
    assert lines["agent-versions"].commands == ["pip install --upgrade 'memcollect[collector]'"]


def test_agents_of_two_releases_are_a_warning(healthy: Stage) -> None:
    healthy.node("n3")
    healthy.agent("n3", change=lambda sample: msgspec.structs.replace(sample, agent_version="0.0.1"))
    lines = healthy.lines()
    assert (failing(lines), warning(lines)) == ([], ["agent-versions"])
    assert "0.0.1 on 1 node" in lines["agent-versions"].sentence
    assert lines["agent-versions"].commands[0].endswith("rollout status -n memcollect daemonset")


@pytest.mark.parametrize(("trees", "version"), [(["memory"], "v1"), (["memory", "unified"], "hybrid")])
def test_a_node_on_cgroup_v1_fails_with_the_way_to_v2(
    healthy: Stage,
    tmp_path_factory: pytest.TempPathFactory,
    trees: list[str],
    version: str,
) -> None:
    base = tmp_path_factory.mktemp("v1")
    for name in ("proc", "sys", "cgroup", *(f"cgroup/{tree}" for tree in trees)):
        (base / name).mkdir()
    healthy.node("old", os_image="Debian GNU/Linux 10 (buster)")
    roots = Roots(proc=str(base / "proc"), cgroup=str(base / "cgroup"), sys=str(base / "sys"))
    healthy.agent("old", roots=roots, history=False)
    lines = healthy.lines()
    assert failing(lines) == ["cgroup-version"]
    line = lines["cgroup-version"]
    assert line.sentence.startswith(
        "Not measurable: 1 of 3 nodes (old): the memory controller of this machine"
    )
    assert f"is {version})" in line.sentence
    assert "systemd.unified_cgroup_hierarchy=1 on its kernel's command line" in line.remedy
    assert ["update-grub" in each for each in line.commands] == [True]
    assert lines["cgroup-driver"].status == "ok"


@pytest.mark.parametrize(("seconds", "where"), [(10, "ahead"), (-10, "behind")])
def test_a_clock_ten_seconds_off_is_told_with_its_uncertainty(
    healthy: Stage, seconds: float, where: str
) -> None:
    healthy.node("n3")
    healthy.agent("n3", change=with_clock(seconds))
    lines = healthy.lines()
    assert (failing(lines), warning(lines)) == ([], ["clock"])
    assert "1 of 3 nodes (n3): n3 is " in lines["clock"].sentence
    assert f" {where} (give or take " in lines["clock"].sentence
    assert lines["clock"].commands == ["timedatectl set-ntp true"]


def test_when_all_nodes_differ_alike_this_machine_is_suspected(stage: Stage) -> None:
    for name in ("n1", "n2"):
        stage.node(name)
        stage.agent(name, change=with_clock(10))
    stage.pod("sandbox-1", "n1", metrics_age=-5)
    assert "this machine" in stage.lines()["clock"].remedy


def test_cgroups_of_pods_that_the_api_server_does_not_know_are_a_warning(healthy: Stage) -> None:
    healthy.node("n3")
    healthy.agent("n3", whole=True)
    lines = healthy.lines()
    assert (failing(lines), warning(lines)) == ([], ["orphans"])
    assert "3 cgroups of pods on n3" in lines["orphans"].sentence


def test_a_pod_that_ended_between_two_looks_at_its_node_is_no_orphan(healthy: Stage) -> None:
    """The agent tells of three strange pods, and a moment later has no cgroup of two of them."""

    def ends(sample: NodeSample) -> NodeSample:
        if sample.tree is not None:
            return sample
        gone = [Problem(kind="pod", name=uid, reason="gone", detail="gone") for uid in UIDS[:2]]
        return msgspec.structs.replace(sample, pods=[], problems=gone)

    healthy.node("n3")
    healthy.agent("n3", change=ends, whole=True)
    line = healthy.lines()["orphans"]
    assert line.sentence.startswith("1 cgroup of pods on n3")
    assert line.sentence.endswith("left behind, or deleted just now.")


def test_history_that_is_off_is_a_warning_with_the_option(healthy: Stage) -> None:
    healthy.node("n3")
    healthy.agent("n3", history=False)
    lines = healthy.lines()
    assert (failing(lines), warning(lines)) == ([], ["history"])
    assert lines["history"].sentence.startswith("History is off on 1 of 3 nodes (n3)")
    assert "--history on" in lines["history"].remedy


def test_history_that_is_too_short_is_a_warning(healthy: Stage) -> None:
    healthy.node("n3")
    roots = recorded(CONDITION)
    healthy.agent("n3", roots=roots, recorder=old_recorder(roots.cgroup, interval_seconds=2.0, depth=10))
    line = healthy.lines()["history"]
    assert line.status == "warn"
    assert line.sentence.startswith("History is shorter than 60 s on 1 of 3 nodes (n3)")
    assert "--history-depth" in line.remedy


def test_history_that_has_only_begun_is_a_warning_that_passes(healthy: Stage) -> None:
    healthy.node("n3")
    roots = recorded(CONDITION)
    healthy.agent("n3", roots=roots, recorder=old_recorder(roots.cgroup, seconds=5.0))
    line = healthy.lines()["history"]
    assert (line.status, line.remedy) == ("warn", "Wait 60 s and run this again.")


def test_a_kernel_without_the_kernel_field_is_a_warning(stage: Stage, tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    uid = "b361119b_f663_4d3c_a6b4_4f72a32a506f"
    machine.cgroup(f"kubepods.slice/kubepods-pod{uid}.slice")
    (tmp_path / "proc" / "version").write_text("Linux version 5.10.0-23-amd64 (x) #1 SMP\n")
    stage.node("n1")
    stage.agent("n1", roots=machine.roots)
    lines = stage.lines()
    assert lines["kernel"].status == "warn"
    assert "Linux 5.10.0-23-amd64 does not sum up kernel memory" in lines["kernel"].sentence
    assert "5.18" in lines["kernel"].remedy


@pytest.mark.parametrize(
    ("process", "told"),
    [
        (SkippedProcess(pid=0, reason="unreadable"), "its pod has no hostPID"),
        (SkippedProcess(pid=7, reason="denied"), "may not read smaps_rollup of 1 of its pods' processes"),
    ],
)
def test_an_agent_that_may_not_read_processes_fails(
    healthy: Stage, process: SkippedProcess, told: str
) -> None:
    def change(sample: NodeSample) -> NodeSample:
        sums = ProcessSums(listed=1, skipped=[process])
        pods = [msgspec.structs.replace(pod, own_sums=sums) for pod in sample.pods]
        return msgspec.structs.replace(sample, pods=pods)

    healthy.node("n3")
    healthy.agent("n3", change=change)
    lines = healthy.lines()
    assert failing(lines) == ["processes"]
    assert told in lines["processes"].sentence
    assert "SYS_PTRACE" in lines["processes"].remedy


def test_of_many_nodes_a_few_are_named_and_all_are_in_the_items(healthy: Stage) -> None:
    for number in range(30):
        healthy.node(f"bare-{number:02}")
    line = healthy.lines()["agents"]
    assert line.sentence == (
        "2 ready of 32 desired: bare-00, bare-01, bare-02 and 27 more cannot be measured, "
        "for there is no agent."
    )
    assert sum(item.status == "fail" for item in line.items) == 30


def test_commands_name_the_context_that_was_chosen(healthy: Stage) -> None:
    healthy.state.metrics = False
    line = healthy.lines(context="stand-in")["metrics-api"]
    assert line.status == "fail"
    healthy.node("bare")
    command = healthy.lines(context="stand-in")["agents"].commands[0]
    assert command == f"kubectl --kubeconfig {healthy.kubeconfig} --context stand-in describe node bare"
