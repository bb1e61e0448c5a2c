import pytest

from memcollect.doctor.checks.booting import DEBIAN, FEDORA, boot_commands, boot_remedy


@pytest.mark.parametrize(
    ("system", "commands"),
    [
        ("Debian GNU/Linux 12 (bookworm)", (DEBIAN,)),
        ("Ubuntu 20.04.6 LTS", (DEBIAN,)),
        ("Linux Mint linuxmint ubuntu debian", (DEBIAN,)),
        ("Red Hat Enterprise Linux CoreOS 48.84", (FEDORA,)),
        ("Amazon Linux 2", (FEDORA,)),
        ("Container-Optimized OS from Google", ()),
        ("Bottlerocket OS 1.19", ()),
        ("", ()),
    ],
)
def test_a_command_is_named_only_for_a_system_that_has_it(system: str, commands: tuple[str, ...]) -> None:
    assert boot_commands([system]) == commands
    assert ("as its boot loader has it" in boot_remedy([system])) == (not commands)


def test_each_family_of_several_nodes_has_its_command_once() -> None:
    assert boot_commands(["Fedora 40", "Ubuntu 22.04", "Debian 12", "Rocky Linux 9"]) == (DEBIAN, FEDORA)
