import pytest

from memcollect_agent.sandbox.kinds import is_known, recognise, sandbox_id

ID = "c7" * 32


@pytest.mark.parametrize(
    ("comm", "arguments", "exe", "expected"),
    [
        ("exe", ["runsc-sandbox", "--root=/run", "boot"], "/usr/local/bin/runsc", ("sentry", "exe")),
        ("exe", ["/proc/self/exe", "--debug", "boot"], "/usr/local/bin/runsc", ("sentry", "exe")),
        ("runsc-gofer", ["runsc-gofer"], None, ("gofer", "argv[0]")),
        ("containerd-shim", ["/usr/bin/containerd-shim-kata-v2", "-id", ID], None, ("kata-shim", "argv[0]")),
        ("containerd-shim", ["x"], "/opt/kata/bin/containerd-shim-cube-rs (deleted)", ("cube-shim", "exe")),
        ("qemu-system-x86", ["/opt/kata/bin/qemu-system-x86_64"], None, ("vmm", "argv[0]")),
        ("fc_vcpu 0", ["./firecracker"], None, ("vmm", "argv[0]")),
        ("cloud-hyperviso", ["cloud-hypervisor"], None, ("vmm", "argv[0]")),
        ("virtiofsd", [], None, ("virtiofsd", "comm")),
        ("execd", ["/opt/opensandbox/execd"], None, ("execd", "argv[0]")),
    ],
)
def test_a_runtimes_process_is_told_by_exe_then_argv0_then_comm(
    comm: str, arguments: list[str], exe: str | None, expected: tuple[str, str]
) -> None:
    recognised = recognise(comm, arguments, exe)
    assert recognised is not None
    assert (recognised.kind, recognised.by) == expected
    assert exe is None or is_known(exe)


@pytest.mark.parametrize(
    ("comm", "arguments", "exe"),
    [
        (
            "containerd-shim",
            ["/usr/bin/containerd-shim-runc-v2", "-id", ID],
            "/usr/bin/containerd-shim-runc-v2",
        ),
        ("containerd-shim", [], None),
        ("qemu-system-x86", [], None),
        ("python3", ["python3", "firecracker"], "/usr/bin/python3"),
        ("firecracker", ["python3"], "/usr/bin/python3"),
        ("runsc-sandbox", ["runsc-sandbox", "boot"], "/usr/bin/python3"),
        ("qemu-system-x86", ["qemu-system-x86_64"], "/usr/bin/sleep (deleted)"),
        ("runsc", ["runsc", "list"], "/usr/bin/runsc"),
        ("exe", ["/proc/self/exe", "umount", "--sync-fd=3", "/proc"], "/usr/bin/runsc"),
        ("", [], None),
    ],
)
def test_anything_else_is_nothing(comm: str, arguments: list[str], exe: str | None) -> None:
    assert recognise(comm, arguments, exe) is None


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["containerd-shim-kata-v2", "-namespace", "k8s.io", "-id", ID], ID),
        (["jailer", "--id", "vm-1"], "vm-1"),
        (["firecracker", "--id=vm-2"], "vm-2"),
        (["qemu-system-x86_64", "-name", f"sandbox-{ID},debug-threads=on"], ID),
        (["qemu-system-x86_64", "-name", "mine"], None),
        (["jailer", "--id", "../../etc"], None),
        (["jailer", "--id"], None),
        ([], None),
    ],
)
def test_the_sandboxs_id_is_read_from_the_arguments(arguments: list[str], expected: str | None) -> None:
    assert sandbox_id(arguments) == expected


@pytest.mark.parametrize(
    ("exe", "known"),
    [
        ("/usr/bin/runsc", True),
        ("/usr/bin/qemu-system-x86_64 (deleted)", True),
        ("/usr/bin/python3", False),
        ("/opt/runsc/python3", False),
        ("/usr/bin/runsc-old", False),
        ("", False),
    ],
)
def test_a_program_is_known_by_its_whole_name_whatever_its_arguments(exe: str, *, known: bool) -> None:
    assert is_known(exe) is known
