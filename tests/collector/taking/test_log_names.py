from pathlib import Path

import pytest

from memcollect.join import LocalNames
from memcollect.taking.log_names import names_from_logs

ID = "0f" * 32


def test_the_kubelets_log_names_tell_pods_and_containers(tmp_path: Path) -> None:
    (tmp_path / "pods" / "kube-system_coredns-5d78_u-1").mkdir(parents=True)
    (tmp_path / "containers").mkdir()
    (tmp_path / "containers" / f"coredns-5d78_kube-system_coredns-{ID}.log").symlink_to("/nowhere")
    names = names_from_logs(str(tmp_path))
    assert names == LocalNames(pods={"u-1": ("kube-system", "coredns-5d78")}, containers={ID: "coredns"})


def test_a_container_may_have_dashes_and_digits_in_its_name(tmp_path: Path) -> None:
    (tmp_path / "containers").mkdir()
    (tmp_path / "containers" / f"a.b-1_ns_side-car-2-{ID}.log").touch()
    assert names_from_logs(str(tmp_path)).containers == {ID: "side-car-2"}


@pytest.mark.parametrize(
    "name",
    [
        "\x1b[31m_pod_uid",
        "ns_pod",
        "NS_pod_uid",
        "ns_pod_\nuid",
        "_pod_uid",
        "ns_pod_" + "u" * 200,
        "a_" * 100,
    ],
)
def test_a_name_that_kubernetes_would_not_accept_is_passed_over(tmp_path: Path, name: str) -> None:
    (tmp_path / "pods" / name).mkdir(parents=True)
    assert names_from_logs(str(tmp_path)) == LocalNames()


def test_a_machine_without_a_kubelet_has_no_names(tmp_path: Path) -> None:
    assert names_from_logs(str(tmp_path / "nowhere")) == LocalNames()
