"""How a machine is booted with cgroup v2 alone, by the operating system it says it is."""

from __future__ import annotations

from collections.abc import Iterable

PARAMETER = "systemd.unified_cgroup_hierarchy=1"
"""With it systemd mounts cgroup v2 and nothing else (systemd(1), KERNEL COMMAND LINE)."""
DEBIAN = (
    f"""echo 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX {PARAMETER}"' """
    "| sudo tee /etc/default/grub.d/cgroup-v2.cfg && sudo update-grub"
)
"""Its grub-mkconfig reads every /etc/default/grub.d/*.cfg after /etc/default/grub."""
FEDORA = f"sudo grubby --update-kernel=ALL --args={PARAMETER}"
_FAMILIES = {
    DEBIAN: ("debian", "ubuntu", "mint", "raspbian"),
    FEDORA: ("fedora", "red hat", "rhel", "centos", "rocky", "alma", "oracle linux", "amazon linux"),
}


def boot_commands(systems: Iterable[str]) -> tuple[str, ...]:
    """Return the commands that set the kernel parameter on `systems`, each once.

    A system is what os-release or a node's osImage calls it. One that is not known has no command: its boot
    loader is not known either.
    """
    wanted = {_command(each.lower()) for each in systems}
    return tuple(command for command in _FAMILIES if command in wanted)


def boot_remedy(systems: Iterable[str]) -> str:
    """Return what to do, as a sentence without its end; the commands of `boot_commands` may follow it."""
    how = "like this" if boot_commands(systems) else "as its boot loader has it"
    return f"put {PARAMETER} on its kernel's command line ({how}) and reboot"


def _command(system: str) -> str | None:
    return next(
        (command for command, names in _FAMILIES.items() if any(name in system for name in names)), None
    )
