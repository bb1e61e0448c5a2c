"""What `memcollect profile` says of a plan that can be run, but of which nothing could be claimed."""

from pathlib import Path

from worlds.live_cluster import memcollect
from worlds.profile_stage import NAMESPACE, staged

PLAN = f"""
name = "small"
version = "7"
repeats = 2
poll = "50ms"
[settle]
over = "1s"
at_most = "60s"
[source]
kind = "selector"
namespace = "{NAMESPACE}"
selector = "app=x"
[[phases]]
name = "empty"
do = "nothing"
"""


def test_what_could_not_be_claimed_afterwards_is_a_warning_of_the_check_and_of_the_run(
    tmp_path: Path,
) -> None:
    (tmp_path / "plan.toml").write_text(PLAN)
    arguments = ["profile", str(tmp_path / "plan.toml")]
    with staged(tmp_path) as (stage, options):
        stage.add_pod("one", {"app": "x"})
        checked = memcollect(*arguments, "--check", *options)
        done = memcollect(*arguments, "-o", str(tmp_path / "run"), *options)
    warning = 'memcollect: warning: source.kind = "selector" takes the same pods in all 2 repeats, '
    assert (checked.returncode, checked.stderr.startswith(warning)) == (0, True), checked.stderr
    assert checked.stdout.startswith("small 7: 2 repeats")
    assert checked.stderr.count("\n") == 1
    assert done.stderr.splitlines()[1].startswith(warning), done.stderr


def cloning(clone: str) -> str:
    source = f'[source]\nkind = "template"\nnamespace = "{NAMESPACE}"\nclone = "{clone}"\n'
    return PLAN.partition("[source]")[0] + source + "[[phases]]" + PLAN.partition("[[phases]]")[2]


def test_the_check_names_the_pod_that_would_be_cloned_and_makes_none(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(cloning("app=x"))
    with staged(tmp_path) as (stage, options):
        for name in ("two", "one"):
            stage.add_pod(name, {"app": "x"})
        checked = memcollect("profile", str(plan), "--check", *options)
        assert sorted(stage.pods()) == ["one", "two"]
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.endswith(f"Each sandbox would be a copy of the pod {NAMESPACE}/one.\n")


def test_the_check_says_that_no_pod_could_be_cloned(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(cloning("app=nobody"))
    with staged(tmp_path) as (_, options):
        checked = memcollect("profile", str(plan), "--check", *options)
    assert checked.returncode == 0, checked.stderr
    assert "No ready pod in deer-flow matches app=nobody, so none can be cloned." in checked.stderr
