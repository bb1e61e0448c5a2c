from memcollect.join.roles import app_containers
from worlds.builders import container, pause, pod


def test_kubectl_top_adds_up_what_kubernetes_calls_containers() -> None:
    roles = ("container", "init", "ephemeral", "pause", "conmon", "unknown")
    made = pod(*(container(role, role=role) for role in roles), pause())
    assert [each.name for each in app_containers(made)] == ["container", "init", "ephemeral"]
