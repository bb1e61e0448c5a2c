"""The PodMetrics that metrics-server would show of a kubelet's readings."""

from typing import Any

from memcollect.lab.cadvisor import Reading
from memcollect.lab.metrics_server import MetricsServer, ScrapedPod

MIB = 1 << 20
AT = 1_700_000_000.0
POD = ScrapedPod("team", "web", {"app": "id-app", "side": "id-side"}, {"app": "web"})


def reading(identity: str, at: float, mib: int = 10, cpu: int = 1_000_000) -> Reading:
    return Reading(
        container_id=identity,
        at=at,
        current_bytes=(mib + 1) * MIB,
        inactive_file_bytes=MIB,
        cpu_microseconds=cpu,
    )


def scraped(*rounds: dict[str, Reading]) -> list[dict[str, Any]]:
    server = MetricsServer()
    for each in rounds:
        server.scrape(each)
    return server.pod_metrics([POD])


def both(at: float, **more: Any) -> dict[str, Reading]:
    return {"id-app": reading("id-app", at, **more), "id-side": reading("id-side", at + 3.2)}


def test_a_pod_is_absent_until_each_container_has_two_different_readings() -> None:
    assert scraped(both(AT)) == []
    assert scraped(both(AT), both(AT)) == []
    half = {"id-app": reading("id-app", AT + 12), "id-side": reading("id-side", AT + 3.2)}
    assert scraped(both(AT), half) == []
    assert len(scraped(both(AT), both(AT + 12))) == 1


def test_the_time_is_the_earliest_containers_in_whole_seconds_and_the_memory_the_latest() -> None:
    (found,) = scraped(both(AT), both(AT + 12.5, mib=20, cpu=2_250_000))
    assert found["timestamp"] == "2023-11-14T22:13:32Z"
    assert found["window"] == "12.500s"
    assert found["containers"] == [
        {"name": "app", "usage": {"cpu": "100000000n", "memory": f"{20 * 1024}Ki"}},
        {"name": "side", "usage": {"cpu": "0n", "memory": f"{10 * 1024}Ki"}},
    ]
    assert found["metadata"]["labels"] == {"app": "web"}


def test_a_reading_that_is_scraped_twice_stays_shown() -> None:
    assert scraped(both(AT), both(AT + 12)) == scraped(both(AT), both(AT + 12), both(AT + 12))


def test_one_container_that_reads_zero_takes_the_whole_pod_away() -> None:
    assert scraped(both(AT), both(AT + 12, mib=0)) == []
    assert scraped(both(AT, cpu=0), both(AT + 12, cpu=0)) == []


def test_a_restarted_container_is_another_one_and_takes_the_pod_away_until_it_has_two() -> None:
    server = MetricsServer()
    server.scrape(both(AT))
    server.scrape(both(AT + 12))
    again = ScrapedPod("team", "web", {"app": "id-app-1", "side": "id-side"})
    for at, shown in ((AT + 24, 0), (AT + 36, 1)):
        server.scrape({"id-app-1": reading("id-app-1", at), "id-side": reading("id-side", at)})
        assert len(server.pod_metrics([again])) == shown


def test_a_pod_of_which_nothing_runs_is_not_shown() -> None:
    assert MetricsServer().pod_metrics([ScrapedPod("team", "done", {})]) == []
