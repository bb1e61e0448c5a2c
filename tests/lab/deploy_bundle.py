"""A DaemonSet's pod -> the configuration an OCI runtime gets of it, as containerd's CRI plugin writes it.

Only what the manifest uses is known; anything else raises, so that a new field cannot go unproven.
Followed: containerd's internal/cri (spec options, default masked and read-only paths), and for the seccomp
profile its container-independent form in containers-common, made definite for one set of capabilities.
"""

from typing import Any

Json = dict[str, Any]

DEFAULT_CAPABILITIES = [
    f"CAP_{name}"
    for name in (
        *("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP"),
        *("NET_BIND_SERVICE", "NET_RAW", "SYS_CHROOT", "MKNOD", "AUDIT_WRITE", "SETFCAP"),
    )
]
ALL_CAPABILITIES = [
    *DEFAULT_CAPABILITIES,
    *(
        f"CAP_{name}"
        for name in (
            *("DAC_READ_SEARCH", "LINUX_IMMUTABLE", "NET_BROADCAST", "NET_ADMIN", "IPC_LOCK", "IPC_OWNER"),
            *("SYS_MODULE", "SYS_RAWIO", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE"),
            *("SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "LEASE", "AUDIT_CONTROL", "SYSLOG"),
            *("MAC_OVERRIDE", "MAC_ADMIN", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF"),
            "CHECKPOINT_RESTORE",
        )
    ),
]
MASKED = [
    "/proc/acpi",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
]
MASKED += ["/proc/sched_debug", "/proc/scsi", "/sys/firmware"]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
_UNITS = {"Mi": 1 << 20, "Gi": 1 << 30}
_KNOWN_OF_POD = {
    *("hostPID", "securityContext", "containers", "volumes"),
    # Of the API server and the kubelet, nothing that a runtime is told.
    *("serviceAccountName", "automountServiceAccountToken", "enableServiceLinks", "priorityClassName"),
    *("nodeSelector", "tolerations", "terminationGracePeriodSeconds"),
    *("nodeName", "restartPolicy", "activeDeadlineSeconds"),
}
_KNOWN_OF_CONTAINER = {
    *("args", "env", "resources", "securityContext", "volumeMounts"),
    *("name", "image", "imagePullPolicy", "ports", "livenessProbe", "readinessProbe"),
}
_KNOWN_OF_SECURITY = {
    *("runAsUser", "runAsGroup", "privileged", "allowPrivilegeEscalation", "readOnlyRootFilesystem"),
    *("capabilities", "seccompProfile", "appArmorProfile"),
}


def runtime_config(pod: Json, image: Json, root: str, fields: Json, seccomp: Json) -> Json:
    """Return config.json but for the cgroup's path.

    `image` is the image's own configuration, `root` its file system, `fields` what the downward API
    answers, `seccomp` the profile that RuntimeDefault stands for.
    """
    (container,) = pod["containers"]
    context = {**pod.get("securityContext", {}), **container.get("securityContext", {})}
    for what, known in (
        (pod, _KNOWN_OF_POD),
        (container, _KNOWN_OF_CONTAINER),
        (context, _KNOWN_OF_SECURITY),
    ):
        assert set(what) <= known, f"the proof does not know {set(what) - known}"
    environment = {
        each["name"]: fields[each["valueFrom"]["fieldRef"]["fieldPath"]] for each in container["env"]
    }
    capabilities = _capabilities(context)
    privileged = context.get("privileged", False)
    linux: Json = {
        "namespaces": _namespaces(pod, privileged=privileged),
        "resources": {"memory": {"limit": _bytes(container["resources"]["limits"]["memory"])}},
    }
    if not privileged:
        linux |= {"maskedPaths": MASKED, "readonlyPaths": READ_ONLY}
    if context.get("seccompProfile", {}).get("type") == "RuntimeDefault" and not privileged:
        linux["seccomp"] = definite(seccomp, set(capabilities))
    return {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": False,
            "user": {"uid": context["runAsUser"], "gid": context["runAsGroup"]},
            "args": [*image["Entrypoint"], *_expanded(container["args"], environment)],
            "env": [*image["Env"], *(f"{name}={value}" for name, value in environment.items())],
            "cwd": "/",
            "noNewPrivileges": not (context.get("allowPrivilegeEscalation", True) or privileged),
            "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), capabilities),
        },
        "root": {"path": root, "readonly": context["readOnlyRootFilesystem"]},
        "mounts": _mounts(pod, container, privileged=privileged),
        "linux": linux,
    }


def _capabilities(context: Json) -> list[str]:
    if context.get("privileged"):
        return ALL_CAPABILITIES
    asked = context.get("capabilities", {})
    kept = [] if "ALL" in asked.get("drop", []) else DEFAULT_CAPABILITIES
    return [*kept, *(f"CAP_{name}" for name in asked.get("add", []))]


def _namespaces(pod: Json, *, privileged: bool) -> list[Json]:
    kinds = ["mount", "ipc", "uts", "network"]
    kinds += [] if pod.get("hostPID") else ["pid"]
    # A privileged container stays in the host's cgroup namespace.
    kinds += [] if privileged else ["cgroup"]
    return [{"type": kind} for kind in kinds]


def _mounts(pod: Json, container: Json, *, privileged: bool) -> list[Json]:
    read_only = [] if privileged else ["ro"]
    own = [
        {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
        {
            "destination": "/dev",
            "type": "tmpfs",
            "source": "tmpfs",
            "options": ["nosuid", "mode=755", "size=65536k"],
        },
        {
            "destination": "/sys",
            "type": "sysfs",
            "source": "sysfs",
            "options": ["nosuid", "noexec", "nodev", *read_only],
        },
        {
            "destination": "/sys/fs/cgroup",
            "type": "cgroup",
            "source": "cgroup",
            "options": ["nosuid", *read_only],
        },
    ]
    paths = {volume["name"]: volume["hostPath"]["path"] for volume in pod.get("volumes", [])}
    asked = [
        {
            "destination": mount["mountPath"],
            "type": "bind",
            "source": paths[mount["name"]],
            "options": ["rbind", "rprivate", "ro" if mount.get("readOnly") else "rw"],
        }
        for mount in container.get("volumeMounts", [])
    ]
    return own + asked


def _expanded(arguments: list[str], environment: dict[str, str]) -> list[str]:
    for name, value in environment.items():
        arguments = [each.replace(f"$({name})", value) for each in arguments]
    return arguments


def _bytes(quantity: str) -> int:
    return int(quantity[:-2]) * _UNITS[quantity[-2:]]


def definite(profile: Json, capabilities: set[str]) -> Json:
    """Return a profile with its conditions decided, for amd64 and one set of capabilities."""
    calls = [
        {key: call[key] for key in ("names", "action", "args", "errnoRet") if call.get(key) is not None}
        for call in profile["syscalls"]
        if _included(call.get("includes") or {}, capabilities)
        and not _excluded(call.get("excludes") or {}, capabilities)
    ]
    return {
        "defaultAction": profile["defaultAction"],
        "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": calls,
    }


def _included(condition: Json, capabilities: set[str]) -> bool:
    return set(condition.get("caps", [])) <= capabilities and "amd64" in condition.get("arches", ["amd64"])


def _excluded(condition: Json, capabilities: set[str]) -> bool:
    return bool(set(condition.get("caps", [])) & capabilities) or "amd64" in condition.get("arches", [])
