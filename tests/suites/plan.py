"""Which suites there are, and which may run at the same time."""

from collections.abc import Sequence

from msgspec import Struct

from memcollect.lab import kernels, matrix
from memcollect.lab.matrix import Suite as On


class Suite(Struct, frozen=True, kw_only=True):
    """One run of pytest."""

    name: str
    arguments: tuple[str, ...]
    """pytest's."""
    kernel: str | None = None
    """The version of the kernel that it boots, to be fetched first; None: the installed one, or none."""
    environment: dict[str, str] = {}
    limit_seconds: float = 3600.0
    """When it is ended, as what hangs."""


Lane = Sequence[Suite]
"""Suites that run one after another; lanes run at the same time."""

_IN_LAB = {"MEMCOLLECT_REQUIRE_LAB": "1"}
_CLUSTER = "tests/lab/test_deploy_cluster.py"
"""One test of ten minutes and more: at the end of the lab's own suite it would be waited for alone."""


def everything(flags: Sequence[str] = ()) -> list[Lane]:
    """Return all of it; `flags` go to the unit tests and the lab's.

    Most suites wait most of the time, for kernels that boot and for memory that comes to rest. The guide
    takes long and so begins at once; the lab's own suite, in which pods grow by the second, comes after the
    unit tests, which do not wait and would take its time.
    """
    apart = "not lab and not lab_full and not dist and not fuzz and not browser and not sdks"
    unit = Suite(name="unit tests", arguments=("-m", apart, *_workers(3), *flags))
    fuzz = Suite(name="odd inputs", arguments=("-m", "fuzz", "tests/fuzz", *_workers(2), *flags))
    dist = Suite(name="a release, installed", arguments=("-m", "dist", "tests/release"))
    floors = Suite(name="the lowest versions", arguments=("-m", "dist", "tests/floors"))
    lab = Suite(
        name="the lab",
        arguments=(
            "-m",
            "lab",
            "tests/lab",
            "--ignore-glob=tests/lab/test_profile*.py",
            f"--ignore={_CLUSTER}",
            *_workers(2),
            *flags,
        ),
        kernel=_default_kernel(),
        environment=_IN_LAB,
    )
    cluster = Suite(
        name="the cluster suite, in the lab",
        arguments=("-m", "lab", _CLUSTER),
        kernel=_default_kernel(),
        environment=_IN_LAB,
    )
    browser = Suite(name="the browser", arguments=("tests/browser",), limit_seconds=1800.0)
    sdks = Suite(name="others' packages", arguments=("tests/sdks",), limit_seconds=1800.0)
    return [
        [unit, lab],
        [*truth(matrix.versions(On.TRUTH)), sdks, fuzz, floors, cluster],
        [*(_guide(each) for each in matrix.versions(On.GUIDE)), dist, browser],
    ]


def truth(versions: Sequence[str]) -> Lane:
    """Return the truth workloads on each of these kernels."""
    return [
        Suite(
            name=f"truth on Linux {each}",
            arguments=("tests/lab/test_truth.py",),
            kernel=each,
            environment={**_IN_LAB, "MEMCOLLECT_LAB_KERNEL": each},
        )
        for each in versions
    ]


def _guide(version: str) -> Suite:
    return Suite(
        name=f"the guide on Linux {version}",
        arguments=("-m", "lab", "tests/lab/test_profile.py"),
        kernel=version,
        environment=_IN_LAB,
    )


def _default_kernel() -> str | None:
    return None if kernels.installed() else kernels.DEFAULT


def _workers(count: int) -> tuple[str, ...]:
    return ("-n", str(count), "--dist", "loadfile")
