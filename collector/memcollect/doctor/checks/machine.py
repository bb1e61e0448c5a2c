"""Whether this machine can be measured by `memcollect snapshot --local`."""

from __future__ import annotations

from memcollect.doctor.checks.booting import boot_commands, boot_remedy
from memcollect.doctor.local import LocalFacts
from memcollect.doctor.result import Finding
from memcollect.sources.plain import plain

SUDO = 'sudo "$(command -v memcollect)" doctor --local'


def cgroup_version(facts: LocalFacts) -> Finding:
    """Whether the memory controller is on cgroup v2."""
    cgroups, where = facts.cgroups, plain(facts.cgroup_root)
    if cgroups.version is None:
        return Finding(
            status="fail",
            sentence=f"There is no cgroup tree at {where} that can be read.",
            remedy="Name the place where cgroup v2 is mounted with --cgroup-root; these are its mounts:",
            commands=("findmnt -t cgroup2", "memcollect demo"),
        )
    if cgroups.version != "v2":
        return Finding(
            status="fail",
            sentence=f"The memory controller is on cgroup v1 ({where} is {cgroups.version}); only v2 can be "
            "read.",
            remedy=f"For this machine, {boot_remedy([facts.system])}; or try the demo, which brings its own "
            "kernel:",
            commands=(*boot_commands([facts.system]), "memcollect demo"),
        )
    if not cgroups.has_memory:
        return Finding(
            status="fail",
            sentence=f"The cgroup v2 tree at {where} has no memory controller.",
            remedy="Boot with cgroup_enable=memory, or try the demo, which brings its own kernel:",
            commands=("memcollect demo",),
        )
    return Finding(status="ok", sentence=f"v2 at {where}, with the memory controller.")


def memory_stat(facts: LocalFacts) -> Finding:
    """Whether memory.stat itemises kernel memory."""
    stat, kernel = facts.cgroups.stat, f"Linux {plain(facts.kernel or 'of no known version', 40)}"
    if stat is None:
        return Finding(
            status="skipped",
            sentence="Not checked, because no cgroup below the root has memory files to look at.",
        )
    if "kernel" not in stat:
        return Finding(
            status="warn",
            sentence=f"{kernel} does not sum up kernel memory in memory.stat.",
            remedy="Upgrade to a kernel of 5.18 or later, or expect wider intervals.",
        )
    return Finding(status="ok", sentence=f"{kernel} sums up kernel memory, {len(stat)} fields in all.")


def processes(facts: LocalFacts) -> Finding:
    """Whether other users' smaps_rollup can be read, which was tried."""
    tried = facts.tried
    if tried is None:
        return Finding(
            status="fail",
            sentence=f"There is no /proc at {plain(facts.proc_root)} that can be read.",
            remedy="Name it with --proc-root.",
        )
    number = tried.read + tried.denied
    if not number:
        return Finding(
            status="ok" if facts.user_id == 0 else "warn",
            sentence="No process of another user is here to try; what runs as you can be read.",
            remedy="" if facts.user_id == 0 else "If that surprises you, run as root:",
            commands=() if facts.user_id == 0 else (SUDO,),
        )
    if not tried.denied:
        return Finding(
            status="ok", sentence=f"Other users' processes can be read ({number} of {number} tried)."
        )
    sentence = f"smaps_rollup of {tried.denied} of {number} processes of other users may not be read."
    if facts.user_id != 0:
        return Finding(status="fail", sentence=sentence, remedy="Run as root:", commands=(SUDO,))
    return Finding(
        status="fail" if not tried.read else "warn",
        sentence=sentence,
        remedy="Root lacks CAP_SYS_PTRACE here: run outside the container, or start it with --pid=host "
        "--cap-add=SYS_PTRACE.",
    )


def pressure(facts: LocalFacts) -> Finding:
    """Whether memory.pressure tells how long processes wait for memory (PSI)."""
    problem = facts.cgroups.pressure_problem
    if facts.cgroups.stat is None:
        return Finding(
            status="skipped",
            sentence="Not checked, because no cgroup below the root has memory files to look at.",
        )
    if problem is None:
        return Finding(status="ok", sentence="memory.pressure (PSI) can be read.")
    return Finding(
        status="warn",
        sentence=f"Pressure (PSI) is not told: {plain(problem)}.",
        remedy="Boot with psi=1 on a kernel with CONFIG_PSI; everything else works without.",
    )


def swap(facts: LocalFacts) -> Finding:
    """Whether memory can be swapped out, and whether cgroups then say so."""
    if facts.swap_devices is None:
        return Finding(
            status="warn",
            sentence="Whether there is swap cannot be told: no swaps file can be read.",
            remedy="Name the machine's /proc with --proc-root.",
        )
    if not facts.swap_devices:
        return Finding(status="ok", sentence="No swap: all memory of processes is in memory.current.")
    size = _used(facts)
    if not facts.cgroups.has_swap_files and facts.cgroups.stat is not None:
        return Finding(
            status="warn",
            sentence=f"There is swap ({size}), but cgroups do not count it: memory.swap.current is missing.",
            remedy="Boot with swapaccount=1, or what is swapped out cannot be told by pod.",
        )
    return Finding(status="ok", sentence=f"There is swap, {size}; what is there is told apart by pod.")


def _used(facts: LocalFacts) -> str:
    if facts.swap_total_bytes is None or facts.swap_free_bytes is None:
        return "how much of it is in use is not known"
    used = facts.swap_total_bytes - facts.swap_free_bytes
    return f"{used >> 20} of {facts.swap_total_bytes >> 20} MiB in use"
