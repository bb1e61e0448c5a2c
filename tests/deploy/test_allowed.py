"""What the base asks for, field by field: whoever wants more has to change this list, and say why."""

from collections.abc import Iterator

import pytest

from worlds import manifests
from worlds.manifests import Document
from worlds.pod_security import baseline_violations, restricted_violations

OBJECTS = {
    ("Namespace", "memcollect"),
    ("PriorityClass", "memcollect-agent"),
    ("ServiceAccount", "memcollect-agent"),
    ("DaemonSet", "memcollect-agent"),
    ("NetworkPolicy", "memcollect-agent"),
    ("ClusterRole", "memcollect-reader"),
    ("Role", "memcollect-agent-access"),
}
GRANTED = {
    "hostPID": True,
    "automountServiceAccountToken": False,
    "serviceAccountName": "memcollect-agent",
    "enableServiceLinks": False,
    "priorityClassName": "memcollect-agent",
    "nodeSelector.kubernetes.io/os": "linux",
    "tolerations[].operator": "Exists",
    "terminationGracePeriodSeconds": 10,
    "securityContext.seccompProfile.type": "RuntimeDefault",
    "volumes[].name": "cgroup",
    "volumes[].hostPath.path": "/sys/fs/cgroup",
    "volumes[].hostPath.type": "Directory",
    "containers[].securityContext.runAsUser": 0,
    "containers[].securityContext.runAsGroup": 0,
    "containers[].securityContext.privileged": False,
    "containers[].securityContext.allowPrivilegeEscalation": False,
    "containers[].securityContext.readOnlyRootFilesystem": True,
    "containers[].securityContext.capabilities.drop[]": "ALL",
    "containers[].securityContext.capabilities.add[]": "SYS_PTRACE",
    "containers[].securityContext.appArmorProfile.type": "Unconfined",
    "containers[].volumeMounts[].name": "cgroup",
    "containers[].volumeMounts[].mountPath": "/host/sys/fs/cgroup",
    "containers[].volumeMounts[].readOnly": True,
    "containers[].ports[].containerPort": 7071,
    "containers[].ports[].name": "health",
    "containers[].ports[].protocol": "TCP",
}
WITHOUT_RIGHTS = (
    "containers[].name",
    "containers[].image",
    "containers[].imagePullPolicy",
    "containers[].args[]",
    "containers[].env[].name",
    "containers[].env[].valueFrom.fieldRef.",
    "containers[].livenessProbe.",
    "containers[].readinessProbe.",
    "containers[].resources.",
)
"""Fields (those that end with a dot: and all below) that say how it runs, and give it nothing."""

WIDER = {
    "overlays/before-1.30": set(),
    "overlays/selinux": {"seLinuxOptions"},
    "overlays/openshift": {"seLinuxOptions"},
    "overlays/privileged": {"privileged"},
    "overlays/perfmon": set(),
    "overlays/files": set(),
    "overlays/prometheus": set(),
    "overlays/prometheus-core": set(),
}
"""The Pod Security controls that each overlay violates beyond the base."""


def _fields(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _fields(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for each in value:
            yield from _fields(each, f"{path}[]")
    else:
        yield path, value


def _grants(pod: Document) -> list[tuple[str, object]]:
    return [(path, value) for path, value in _fields(pod) if not path.startswith(WITHOUT_RIGHTS)]


def test_the_base_has_no_other_object() -> None:
    found = [(each["kind"], each["metadata"]["name"]) for each in manifests.rendered("base")]
    assert sorted(found) == sorted(OBJECTS)


def test_the_folder_itself_is_the_base() -> None:
    assert manifests.rendered(".") == manifests.rendered("base")


def test_the_pod_has_no_field_beyond_the_list_and_each_once() -> None:
    assert sorted(_grants(manifests.pod_spec(manifests.rendered("base")))) == sorted(GRANTED.items())


def test_the_pod_breaks_four_baseline_controls_and_no_more() -> None:
    pod = manifests.pod_spec(manifests.rendered("base"))
    assert baseline_violations(pod) == {"hostPID", "hostPath", "capabilities", "appArmorProfile"}
    assert restricted_violations(pod) == {"volumes", "runAsNonRoot", "runAsUser", "capabilities.add"}


@pytest.mark.parametrize("name", manifests.OVERLAYS[1:])
def test_an_overlay_breaks_only_the_controls_it_is_named_for(name: str) -> None:
    base = baseline_violations(manifests.pod_spec(manifests.rendered("base")))
    template = manifests.daemon_set(manifests.rendered(name))["spec"]["template"]
    annotations = template["metadata"].get("annotations")
    assert baseline_violations(template["spec"], annotations) - base == WIDER[name]


@pytest.mark.parametrize("name", manifests.OVERLAYS)
def test_the_namespace_admits_the_pod_everywhere(name: str) -> None:
    (namespace,) = manifests.of_kind(manifests.rendered(name), "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "privileged"


@pytest.mark.parametrize("name", manifests.OVERLAYS)
def test_the_hosts_files_and_the_agents_own_are_never_writable(name: str) -> None:
    agent = manifests.agent(manifests.rendered(name))
    assert agent["securityContext"]["readOnlyRootFilesystem"] is True
    assert [mount["readOnly"] for mount in agent["volumeMounts"]] == [True]


def test_privileged_and_the_ban_on_escalation_which_the_api_refuses_together_do_not_meet() -> None:
    context = manifests.agent(manifests.rendered("overlays/privileged"))["securityContext"]
    assert context["privileged"] is True
    assert "allowPrivilegeEscalation" not in context


def test_other_users_files_take_two_capabilities_more() -> None:
    context = manifests.agent(manifests.rendered("overlays/files"))["securityContext"]
    assert context["capabilities"] == {"drop": ["ALL"], "add": ["SYS_PTRACE", "DAC_READ_SEARCH", "FOWNER"]}


def test_nothing_comes_in_but_the_probe_and_nothing_goes_out() -> None:
    (policy,) = manifests.of_kind(manifests.rendered("base"), "NetworkPolicy")
    spec = policy["spec"]
    assert sorted(spec["policyTypes"]) == ["Egress", "Ingress"]
    assert spec["ingress"] == [{"ports": [{"port": 7071, "protocol": "TCP"}]}]
    assert spec.get("egress", []) == []


def test_nobody_is_bound_to_anything_by_the_base() -> None:
    documents = manifests.rendered("base")
    assert [each["kind"] for each in documents if each["kind"].endswith("Binding")] == []


def test_the_openshift_constraints_allow_the_pod_and_no_more() -> None:
    documents = manifests.rendered("overlays/openshift")
    (scc,) = manifests.of_kind(documents, "SecurityContextConstraints")
    allowed = {name for name, value in scc.items() if name.startswith("allow") and value is True}
    assert allowed == {"allowHostPID", "allowHostDirVolumePlugin"}
    assert scc["allowedCapabilities"] == ["SYS_PTRACE"]
    assert scc["volumes"] == ["hostPath"]
    assert scc["seLinuxContext"]["seLinuxOptions"] == {"type": "spc_t"}
    assert (scc["users"], scc["groups"]) == ([], [])
