"""`memcollect profile` where rights lack: said before anything is made."""

from pathlib import Path

from worlds.live_cluster import memcollect
from worlds.profile_stage import NAMESPACE, POD, SLOW, SMALL_PLAN, staged


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
