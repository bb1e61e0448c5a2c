"""The pod that `--files-pod` makes is the one of deploy/overlays/files, for a while and on one node."""

import kubernetes_validate
import pytest

from memcollect.sources.agent_pods import AGENT_SELECTOR
from memcollect.taking.files_pod import needed_rights
from memcollect_agent.wire import DEFAULT_PORT
from worlds import manifests
from worlds.pod_security import baseline_violations

NOT_TAKEN = {"nodeSelector"}
"""Of the DaemonSet's pod: which node it is on is settled."""
OWN = {"nodeName", "activeDeadlineSeconds", "restartPolicy", "terminationGracePeriodSeconds"}
PROBED = {"livenessProbe", "readinessProbe", "ports"}
"""Of its container: nothing of it is to be reached from the pod's network."""


def test_it_is_the_overlays_pod_but_for_its_place_its_time_and_its_probes() -> None:
    overlay = manifests.pod_spec(manifests.rendered("overlays/files"))
    spec = manifests.files_pod("base")["spec"]
    (made,), (deployed,) = spec.pop("containers"), overlay.pop("containers")
    assert {key: value for key, value in spec.items() if key not in OWN} == {
        key: value for key, value in overlay.items() if key not in OWN | NOT_TAKEN
    }
    assert made.pop("args") == [
        "serve",
        "--cgroup=/host/sys/fs/cgroup",
        f"--listen=127.0.0.1:{DEFAULT_PORT}",
        "--health-listen=off",
    ]
    assert made.pop("env") == [each for each in deployed.pop("env") if each["name"] == "MEMCOLLECT_NODE_NAME"]
    assert made == {key: value for key, value in deployed.items() if key not in PROBED | {"args"}}


def test_it_ends_by_itself_and_is_never_started_again() -> None:
    spec = manifests.files_pod("base")["spec"]
    assert {key: spec[key] for key in OWN} == {
        "nodeName": "node-1",
        "activeDeadlineSeconds": 150,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 5,
    }


WITH_RIGHTS = {"overlays/files", "overlays/privileged"}


@pytest.mark.parametrize("overlay", [each for each in manifests.OVERLAYS if each not in WITH_RIGHTS])
def test_it_has_what_the_nodes_security_modules_ask_for_and_the_same_rights_everywhere(overlay: str) -> None:
    made = manifests.files_pod(overlay)
    deployed = manifests.agent(manifests.rendered(overlay))["securityContext"]
    context = made["spec"]["containers"][0]["securityContext"]
    for key in ("appArmorProfile", "seLinuxOptions"):
        assert context.get(key) == deployed.get(key)
    assert context["capabilities"] == {"drop": ["ALL"], "add": ["SYS_PTRACE", "DAC_READ_SEARCH", "FOWNER"]}
    assert context["privileged"] is False
    found = baseline_violations(made["spec"], made["metadata"].get("annotations"))
    assert found - {"seLinuxOptions"} == {"hostPID", "hostPath", "capabilities", "appArmorProfile"}


@pytest.mark.parametrize("overlay", manifests.OVERLAYS)
def test_where_the_agents_have_the_rights_themselves_it_is_known(overlay: str) -> None:
    assert manifests.deployed_agent(overlay).has_the_rights == (overlay in WITH_RIGHTS)


@pytest.mark.parametrize("release", ["1.31.0", "1.37.0"])
def test_it_is_valid(release: str) -> None:
    kubernetes_validate.validate(manifests.files_pod("base"), release, strict=True)


def test_no_daemon_set_takes_it_for_its_own_and_the_network_policy_holds_it() -> None:
    documents = manifests.rendered("base")
    labels = manifests.files_pod("base")["metadata"]["labels"]
    for key, value in manifests.daemon_set(documents)["spec"]["selector"]["matchLabels"].items():
        assert labels.get(key) != value
    assert "{}={}".format(*next(iter(labels.items()))) != AGENT_SELECTOR
    (policy,) = manifests.of_kind(documents, "NetworkPolicy")
    (chosen,) = policy["spec"]["podSelector"]["matchExpressions"]
    assert labels[chosen["key"]] in chosen["values"]
    agents = manifests.daemon_set(documents)["spec"]["template"]["metadata"]["labels"]
    assert agents[chosen["key"]] in chosen["values"]


def test_the_example_grants_exactly_what_it_takes() -> None:
    (role,) = manifests.of_kind(manifests.read("examples/files-pod.yaml"), "Role")
    namespace = role["metadata"]["namespace"]
    granted = {
        (verb, resource) for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]
    }
    needed = needed_rights(namespace)
    assert granted == {(each.verb, each.full_resource) for each in needed}
    assert {each.namespace for each in needed} == {namespace}
