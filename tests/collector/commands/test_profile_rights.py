"""`memcollect profile` where rights lack: said before anything is made."""

from pathlib import Path

from worlds.live_cluster import memcollect
from worlds.profile_stage import NAMESPACE, POD, SLOW, SMALL_PLAN, staged


def test_the_check_says_what_lacks_as_the_run_does_and_touches_nothing(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(SMALL_PLAN + SLOW)
    (tmp_path / "pod.yaml").write_text(POD)
    with staged(tmp_path) as (stage, options):
        well = memcollect("profile", str(tmp_path / "plan.toml"), "--check", *options)
        stage.state.access.deny("create", "pods", namespace=NAMESPACE)
        stage.state.access.deny(resource="pods/exec", namespace=NAMESPACE)
        lacks = memcollect("profile", str(tmp_path / "plan.toml"), "--check", *options)
        ran = memcollect("profile", str(tmp_path / "plan.toml"), "-o", str(tmp_path / "run"), *options)
    assert (well.returncode, "rights" in well.stderr) == (0, False), well.stderr
    assert lacks.stdout == well.stdout
    assert (lacks.returncode, ran.returncode) == (1, 1)
    assert lacks.stderr.endswith(ran.stderr)
    assert f"create pods in namespace {NAMESPACE}" in lacks.stderr
    assert stage.made == []


def test_a_cluster_that_cannot_be_asked_is_no_mistake_of_the_plan(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(SMALL_PLAN)
    (tmp_path / "pod.yaml").write_text(POD)
    done = memcollect(
        "profile", str(tmp_path / "plan.toml"), "--check", "--kubeconfig", str(tmp_path / "none")
    )
    assert done.returncode == 0, done.stderr
    assert "whether you have the rights that it needs cannot be told now: " in done.stderr


def test_why_a_cluster_cannot_be_asked_is_said_once_of_all_that_is_not_known(tmp_path: Path) -> None:
    done = memcollect("profile", "guide", "--check", "--kubeconfig", str(tmp_path / "none"))
    assert done.returncode == 0, done.stderr
    assert (
        "which pod would be cloned, and whether you have the rights that it needs cannot be told now: "
        in done.stderr
    )
    assert done.stderr.count("There is no kubeconfig") == 1


def test_rights_that_lack_are_said_all_at_once_and_nothing_is_begun(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(SMALL_PLAN + SLOW)
    (tmp_path / "pod.yaml").write_text(POD)
    with staged(tmp_path) as (stage, options):
        stage.state.access.deny("create", "pods", namespace=NAMESPACE)
        stage.state.access.deny(resource="pods/exec", namespace=NAMESPACE)
        arguments = [str(tmp_path / "plan.toml"), "-o", str(tmp_path / "run"), *options]
        done = memcollect("profile", *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith(
        "memcollect: The plan needs 3 rights that you do not have. Nothing was begun."
    )
    assert done.stderr.endswith(
        f"\n  create pods in namespace {NAMESPACE}\n  get and create pods/exec in namespace {NAMESPACE}\n"
    )
    assert stage.made == []
    assert not (tmp_path / "run").exists()
