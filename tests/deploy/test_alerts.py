"""Which pods the alerts tell of, and of which they must not: made-up days of a scrape every two minutes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from worlds.made_up_cluster import Series, hold_to, ids, pod, values

MIB = 1 << 20
STEP = 2
"""Minutes from one scrape to the next."""
HOURS = 14
TIMES = range(0, HOURS * 60 + STEP, STEP)
EVER = f"1x{len(TIMES)}"

Course = Callable[[int], float | None]
"""From the minute to MiB, None while nothing is scraped."""


def course(of: Course) -> str:
    return values([None if (size := of(minute)) is None else size * MIB for minute in TIMES])


def leaks(minute: int) -> float:
    return 100 + minute


def is_steady(_: int) -> float:
    return 700


def steps_once(minute: int) -> float:
    return 100 if minute < 300 else 900


def starts_for_an_hour(minute: int) -> float:
    return 50 + 14 * min(minute, 60)


def collects_garbage(minute: int) -> float:
    return 300 + 10 * (minute % 50)


def collects_garbage_seldom(minute: int) -> float:
    return 300 + 2.5 * (minute % 240)


def leaks_behind_its_garbage(minute: int) -> float:
    return 100 + minute + 10 * (minute % 40)


def shrinks(minute: int) -> float:
    return 1000 - minute


QUIET = (
    is_steady,
    steps_once,
    starts_for_an_hour,
    collects_garbage,
    collects_garbage_seldom,
    shrinks,
)
LOUD = (leaks, leaks_behind_its_garbage)


def name_of(of: Course) -> str:
    return of.__name__.replace("_", "-")


def grown(courses: Sequence[Course], **series: str) -> list[Series]:
    """Return a pod for each course, named after it; all have these series, too."""
    none = f"0x{len(TIMES)}"
    return [
        one
        for number, of in enumerate(courses)
        for one in pod(number, name_of(of), EVER, working_set=course(of), droppable=none, **series)
    ]


def limited(mib: int | None) -> dict[str, str]:
    return {} if mib is None else {"limit": course(lambda _: mib)}


def firing(minute: int, alert: str, pods: list[str], by: str = "pod") -> dict[str, Any]:
    """Return what promtool checks: whom the alert tells of."""
    samples = [{"labels": f'{{{by}="{name}"}}', "value": 1} for name in pods]
    expr = f'count by ({by}) (ALERTS{{alertname="{alert}", alertstate="firing"}})'
    return {"expr": expr, "eval_time": f"{minute}m", "exp_samples": samples}


def never(alert: str) -> list[dict[str, Any]]:
    return [firing(minute, alert, []) for minute in range(0, HOURS * 60, 20)]


def hold(directory: Path, series: list[Series], expected: list[dict[str, Any]]) -> None:
    hold_to(directory, {"input_series": series, "promql_expr_test": expected}, f"{STEP}m")


TO_LIMIT, WITHOUT = "MemcollectContainerGrowsToLimit", "MemcollectContainerGrowsWithoutLimit"


@pytest.mark.parametrize(("alert", "limit"), [(TO_LIMIT, 1100), (WITHOUT, None)])
def test_what_does_not_grow_for_hours_is_never_told(tmp_path: Path, alert: str, limit: int | None) -> None:
    hold(tmp_path, grown(QUIET, **limited(limit)), never(alert))


@pytest.mark.parametrize(("alert", "limit"), [(TO_LIMIT, 1900), (WITHOUT, None)])
def test_what_grows_for_hours_is_told_and_goes_on_being_told(
    tmp_path: Path, alert: str, limit: int | None
) -> None:
    told = sorted(name_of(of) for of in LOUD)
    later = [firing(minute, alert, told) for minute in range(500, 780, 10)]
    hold(tmp_path, grown(LOUD, **limited(limit)), [firing(5 * 60, alert, []), *later])


@pytest.mark.parametrize("alert", [TO_LIMIT, WITHOUT])
def test_an_agent_that_was_replaced_ends_no_alert(tmp_path: Path, alert: str) -> None:
    """The gap of its restart comes by again three hours later."""
    away = range(520, 524)

    def unscraped(of: Course) -> str:
        return course(lambda minute: None if minute in away else of(minute))

    limit = {"limit": unscraped(lambda _: 1900)} if alert.endswith("ToLimit") else {}
    series = pod(1, "leaks", EVER, working_set=unscraped(leaks), droppable=unscraped(lambda _: 0), **limit)
    hold(tmp_path, series, [firing(minute, alert, ["leaks"]) for minute in range(500, 836, STEP)])


def test_a_pod_that_ended_and_one_younger_than_six_hours_are_not_told(tmp_path: Path) -> None:
    ended = pod(
        1,
        "ended",
        "1x260 stale",
        working_set=course(lambda minute: leaks(minute) if minute <= 520 else None),
        droppable=course(lambda minute: 0 if minute <= 520 else None),
    )
    young = pod(
        2,
        "young",
        EVER,
        working_set=course(lambda minute: 5 * leaks(minute) if 300 <= minute <= 640 else None),
        droppable=course(lambda minute: 0 if 300 <= minute <= 640 else None),
    )
    alert = "MemcollectContainerGrowsWithoutLimit"
    hold(
        tmp_path,
        ended + young,
        [
            firing(520, alert, ["ended"]),
            *(firing(minute, alert, []) for minute in range(540, 800, 10)),
        ],
    )


@pytest.mark.parametrize("role", ["sandbox", "container"])
def test_a_guest_that_leaks_is_told_though_kubernetes_has_no_name_for_its_sandbox(
    tmp_path: Path, role: str
) -> None:
    """Kata's cgroup of the sandbox, and the scope of gVisor's: all that the guest has is in them."""
    sandbox = pod(1, "guest", EVER, role="sandbox", working_set=course(leaks), droppable=f"0x{len(TIMES)}")
    series = [{**one, "series": one["series"].replace('role="sandbox"', f'role="{role}"')} for one in sandbox]
    named = {
        "labels": 'namespace_pod_container:memcollect_working_set_bytes:max{namespace="shop", pod="guest", '
        f'container="(no name)", {ids(1)}}}',
        "value": 400 * MIB,
    }
    hold(
        tmp_path,
        series,
        [
            {
                "expr": "namespace_pod_container:memcollect_working_set_bytes:max",
                "eval_time": "300m",
                "exp_samples": [named],
            },
            firing(600, "MemcollectContainerGrowsWithoutLimit", ["guest"]),
        ],
    )


def test_a_pause_container_of_any_name_and_one_just_started_are_not_shown_without_a_name(
    tmp_path: Path,
) -> None:
    sandbox = pod(1, "web", EVER, role="sandbox", working_set=course(lambda _: 1))
    late = pod(
        2, "late", EVER, role="sandbox", working_set=course(lambda minute: 50 if minute > 400 else None)
    )
    shown = [
        {"expr": "count by (pod) (namespace_pod_container:memcollect_working_set_bytes:max)",
         "eval_time": f"{minute}m",
         "exp_samples": [{"labels": '{pod="late"}', "value": 1}] if there else []}
        for minute, there in ((300, False), (404, False), (420, True))
    ]  # fmt: skip
    hold(tmp_path, sandbox + late, shown)


def test_kills_of_before_a_new_agent_are_no_new_ones(tmp_path: Path) -> None:
    old = pod(1, "old", EVER, kills=f"3x{len(TIMES)}")
    alert = "MemcollectKilledForMemory"

    def of_agent(series: Series, instance: str, **changed: str) -> Series:
        return {**series, "series": series["series"].replace("{", f'{{instance="{instance}", ', 1), **changed}

    (kills,) = [one for one in old if "kills" in one["series"]]
    others = [one for one in old if one is not kills]
    before, after = "3x100 stale", "_x101 3x60"
    replaced = [of_agent(kills, "a", values=before), of_agent(kills, "b", values=after)]
    while_away = [of_agent(kills, "a", values=before), of_agent(kills, "b", values=after.replace("3", "4"))]
    hold(tmp_path, others + replaced, never(alert))
    hold(tmp_path, others + while_away, [firing(208, alert, ["old"]), firing(240, alert, [])])


def test_of_a_pod_that_ends_with_its_kill_the_alert_is_not_lost(tmp_path: Path) -> None:
    job = pod(1, "job", EVER, kills="0x50 1 1 stale")
    alert = "MemcollectKilledForMemory"
    hold(tmp_path, job, [firing(110, alert, ["job"]), firing(130, alert, [])])


def full(number: int, name: str, *, role: str = "container", **mib: float) -> list[Series]:
    steady = {what: f"{size * MIB:.0f}x{len(TIMES)}" for what, size in mib.items()}
    return pod(number, name, EVER, role=role, **steady)


def test_a_pods_own_limit_is_told_where_no_container_of_it_is_near_one(tmp_path: Path) -> None:
    series = [
        *full(1, "left-tmpfs", working_set=5, droppable=0, pod_lasting=97, limit=100, pod_limit=100),
        *full(2, "app-alone", working_set=97, droppable=0, pod_lasting=98, limit=100, pod_limit=100),
        *full(3, "cached", working_set=99, droppable=50, pod_lasting=50, limit=100, pod_limit=100),
        *full(4, "guest", role="sandbox", working_set=97, droppable=0, pod_lasting=97, pod_limit=100),
        *full(5, "without", working_set=97, droppable=0, pod_lasting=97),
    ]
    of_pods, of_containers = "MemcollectPodCloseToLimit", "MemcollectContainerCloseToLimit"
    hold(
        tmp_path,
        series,
        [
            *(firing(minute, of_pods, ["guest", "left-tmpfs"]) for minute in range(30, 300, 30)),
            *(firing(minute, of_containers, ["app-alone"]) for minute in range(30, 300, 30)),
        ],
    )


def test_a_pod_that_was_known_within_the_hour_is_no_orphan(tmp_path: Path) -> None:
    """A static pod in a crash loop is seen now and then; a shard of kube-state-metrics may be away."""
    looping = f'pod_uid="hash", container_id="{1:064x}", qos="Burstable", role="container"'
    info = f'namespace="kube-system", pod="etcd", container="etcd", container_id="containerd://{1:064x}"'
    series = [
        {"series": f"memcollect_container_current_bytes{{{looping}}}", "values": "9x2 stale _x21 " * 17},
        {"series": f"kube_pod_container_info{{{info}}}", "values": EVER},
        {"series": 'kube_pod_info{namespace="shop", pod="other", uid="u3"}', "values": EVER},
        {"series": 'kube_pod_info{namespace="shop", pod="web", uid="u2"}', "values": "1x20 stale _x20 1x380"},
        *(
            {
                "series": f'memcollect_pod_current_bytes{{node="n1", pod_uid="{uid}", qos="Burstable"}}',
                "values": EVER,
            }
            for uid in ("hash", "u2", "u3", "orphan")
        ),
    ]
    alert = "MemcollectOrphanedPodCgroups"
    hold(tmp_path, series, [firing(minute, alert, ["orphan"], "pod_uid") for minute in range(30, 600, 10)])


def unexplained(directory: Path, residual: float, summary: str) -> None:
    series = pod(1, "odd", EVER, working_set=course(lambda _: 1000), residual=course(lambda _: residual))
    alert = {
        "exp_labels": {
            "severity": "info", "namespace": "shop", "pod": "odd", "container": "app", "term": "residual",
            "pod_uid": "u1", "container_id": f"{1:064x}", "qos": "Burstable",
        },
        "exp_annotations": {
            "summary": f"shop/odd, app: {summary}.",
            "description": "Before Linux 5.18 this holds kernel memory that is not itemised. "
            "`memcollect explain odd -n shop` reads the processes, too.",
        },
    }  # fmt: skip
    case = {"alertname": "MemcollectUnexplainedMemory", "eval_time": "40m", "exp_alerts": [alert]}
    hold_to(directory, {"input_series": series, "alert_rule_test": [case]}, f"{STEP}m")


def test_counters_that_name_too_much_are_not_told_as_memory_that_none_names(tmp_path: Path) -> None:
    unexplained(tmp_path, 100, "no counter of the kernel names 100MiB of its working set")
    unexplained(tmp_path, -100, "its working set differs by -100MiB from what the kernel's counters sum to")


def node(name: str, **series: str) -> list[Series]:
    return [
        {"series": f'memcollect_node_{metric}{{node="{name}", instance="{name}:7072"}}', "values": numbers}
        for metric, numbers in series.items()
    ]


def exists(name: str, numbers: str = EVER) -> Series:
    return {"series": f'kube_node_info{{node="{name}"}}', "values": numbers}


def test_a_node_whose_agent_fell_silent_is_told_and_one_that_is_gone_is_not(tmp_path: Path) -> None:
    until_two = "1x60 stale"
    series = [
        exists("silent"),
        exists("well"),
        exists("removed", until_two),
        exists("restarted"),
        exists("without"),
        *node("silent", readable=until_two),
        *node("well", readable=EVER),
        *node("removed", readable=until_two),
        *node("restarted", readable="1x60 _ _ _ 1x300"),
    ]
    alert = "MemcollectNodeSilent"
    told = [firing(minute, alert, ["silent"], "node") for minute in range(140, 420, 20)]
    hold(tmp_path, series, [firing(120, alert, [], "node"), *told])


def test_kernel_memory_that_grew_is_told_though_the_agent_is_another_one(tmp_path: Path) -> None:
    total, after = f"100000x{len(TIMES)}", len(TIMES)
    old = 'memcollect_node_kernel_uncounted_bytes{node="n1", instance="old"}'
    new = 'memcollect_node_kernel_uncounted_bytes{node="n1", instance="new"}'
    series = [
        {
            "series": 'memcollect_node_memory_total_bytes{node="n1", instance="old"}',
            "values": "100000x170 stale",
        },
        {
            "series": 'memcollect_node_memory_total_bytes{node="n1", instance="new"}',
            "values": f"_x171 {total}",
        },
        {"series": old, "values": "1000+20x170 stale"},
        {"series": new, "values": f"_x171 4440+20x{after}"},
    ]
    alert = "MemcollectUncountedKernelMemoryGrows"
    hold(tmp_path, series, [firing(minute, alert, ["n1"], "node") for minute in (440, 500, 600)])
