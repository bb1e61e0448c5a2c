"""The rows and columns of the capability matrix: commands that take rights away and then run a program."""

# What containerd, CRI-O and Docker give a container that says nothing (CRI-O leaves out a few of them).
DEFAULT_CAPABILITIES = (
    "chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot,"
    "mknod,audit_write,setfcap"
)
_NOBODY = ["--reuid=65534", "--regid=65534", "--clear-groups"]
_USER = ["--reuid=1000", "--regid=1000", "--clear-groups"]


def only(capabilities: str) -> str:
    """Return setpriv's option that leaves these in the bounding set, as a runtime does for a container."""
    return "--bounding-set=-all" + "".join(f",+{each}" for each in capabilities.split(",") if each)


HIDDEN = "/run/hidden-sleep"
_SLEEP = ["sleep", "infinity"]

TARGETS: dict[str, list[str]] = {
    "root, no capabilities": ["setpriv", only(""), *_SLEEP],
    "root, default capabilities": ["setpriv", only(DEFAULT_CAPABILITIES), *_SLEEP],
    "root, privileged": _SLEEP,
    "another user": ["setpriv", *_USER, only(""), *_SLEEP],
    "another user, not dumpable": ["setpriv", *_USER, only(""), HIDDEN, "infinity"],
    "root of a user namespace": [
        *("setpriv", "--reuid=100000", "--regid=100000", "--clear-groups"),
        *("unshare", "--user", "--map-root-user", *_SLEEP),
    ],
}

AGENTS: dict[str, list[str]] = {
    "root, SYS_PTRACE": ["setpriv", "--no-new-privs", only("sys_ptrace")],
    "root, none": ["setpriv", "--no-new-privs", only("")],
    "root, default capabilities": ["setpriv", "--no-new-privs", only(DEFAULT_CAPABILITIES)],
    "root, all but SYS_PTRACE": ["setpriv", "--no-new-privs", "--bounding-set=-sys_ptrace"],
    "root, PERFMON": ["setpriv", "--no-new-privs", only("perfmon")],
    "root, privileged": ["setpriv"],
    "user 65534, none": ["setpriv", "--no-new-privs", *_NOBODY, only("")],
    # As Kubernetes adds a capability to a container with runAsUser: not ambient, so lost at exec.
    "user 65534, SYS_PTRACE": [
        *("setpriv", "--no-new-privs", *_NOBODY, only("sys_ptrace"), "--inh-caps=-all,+sys_ptrace"),
    ],
}
