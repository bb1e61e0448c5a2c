"""The Pod Security Standards as far as this project's pods can break them, each check by its own name.

After the list in Kubernetes' documentation, "Pod Security Standards" (v1.35); one function per level says
which controls a pod violates.
"""

from typing import Any

Pod = dict[str, Any]

_BASELINE_CAPABILITIES = {
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"),
    *("SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
}
_BASELINE_SELINUX = {None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
_RESTRICTED_VOLUMES = {
    *(
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ),
}
_APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"


def baseline_violations(pod: Pod, annotations: dict[str, str] | None = None) -> set[str]:
    """Return the names of the baseline controls that `pod` violates."""
    found = {name for name in ("hostPID", "hostIPC", "hostNetwork") if pod.get(name)}
    found |= {"hostPath" for volume in pod.get("volumes", []) if "hostPath" in volume}
    for key, value in (annotations or {}).items():
        if key.startswith(_APPARMOR_ANNOTATION) and value == "unconfined":
            found.add("appArmorProfile")
    for context in _contexts(pod):
        found |= _baseline_context(context)
    for container in _containers(pod):
        found |= {"hostPort" for port in container.get("ports", []) if port.get("hostPort")}
    return found


def restricted_violations(pod: Pod) -> set[str]:
    """Return the names of the controls that `pod` violates of the restricted level alone."""
    found = {
        "volumes" for volume in pod.get("volumes", []) if not (set(volume) - {"name"}) <= _RESTRICTED_VOLUMES
    }
    outer = pod.get("securityContext", {})
    for container in _containers(pod):
        context = {**outer, **container.get("securityContext", {})}
        capabilities = context.get("capabilities", {})
        found |= {"runAsNonRoot"} if context.get("runAsNonRoot") is not True else set()
        found |= {"runAsUser"} if context.get("runAsUser") == 0 else set()
        found |= (
            {"allowPrivilegeEscalation"} if context.get("allowPrivilegeEscalation") is not False else set()
        )
        found |= {"capabilities.drop"} if "ALL" not in capabilities.get("drop", []) else set()
        found |= {"capabilities.add"} if set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"} else set()
        seccomp = context.get("seccompProfile", {}).get("type")
        found |= {"seccompProfile"} if seccomp not in {"RuntimeDefault", "Localhost"} else set()
    return found


def _baseline_context(context: Pod) -> set[str]:
    selinux = context.get("seLinuxOptions", {})
    broken = {
        "privileged": bool(context.get("privileged")),
        "capabilities": bool(set(context.get("capabilities", {}).get("add", [])) - _BASELINE_CAPABILITIES),
        "seLinuxOptions": selinux.get("type") not in _BASELINE_SELINUX
        or bool({"user", "role"} & set(selinux)),
        "procMount": context.get("procMount", "Default") != "Default",
        "seccompProfile": context.get("seccompProfile", {}).get("type") == "Unconfined",
        "appArmorProfile": context.get("appArmorProfile", {}).get("type") == "Unconfined",
        "sysctls": bool(context.get("sysctls")),
        "hostProcess": bool(context.get("windowsOptions", {}).get("hostProcess")),
    }
    return {name for name, is_broken in broken.items() if is_broken}


def _containers(pod: Pod) -> list[Pod]:
    return [
        container
        for kind in ("initContainers", "containers", "ephemeralContainers")
        for container in pod.get(kind, [])
    ]


def _contexts(pod: Pod) -> list[Pod]:
    inner = [container.get("securityContext", {}) for container in _containers(pod)]
    return [pod.get("securityContext", {}), *inner]
