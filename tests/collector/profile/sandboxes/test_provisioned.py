import pytest

from memcollect.errors import UsageError
from memcollect.profile.plan.model import Call, Provisioned
from memcollect.profile.sandboxes.provisioned import ProvisionedSource
from memcollect.profile.tools import Tools
from memcollect.sources import kube_config
from memcollect.sources.api import Patience
from memcollect.sources.handshake import Abandoned

CALL = Call(url="http://127.0.0.1:1/{id}")


def source(**environ: str) -> ProvisionedSource:
    plan = Provisioned(create=CALL, delete=CALL, headers={"X-API-Key": "KEY"})
    return ProvisionedSource(plan, "0123456789", environ)


@pytest.fixture
def tools(kubernetes: kube_config.Cluster) -> Tools:
    return Tools(kubernetes, Patience(), Abandoned())


@pytest.fixture
def kubernetes() -> kube_config.Cluster:
    from kubernetes.client import Configuration  # noqa: PLC0415 # slow, and of this fixture alone

    return kube_config.Cluster(Configuration(host="http://127.0.0.1:1"), "nowhere")


def test_only_sandboxes_of_this_run_are_ever_left_behind(tools: Tools) -> None:
    asked = ["mc-0123456789-aa-1", "mc-9999999999-aa-1", "somebody-elses", "mc-0123456789"]
    assert [each.key for each in source(KEY="k").left_behind(tools, asked)] == ["mc-0123456789-aa-1"]


def test_its_pod_is_called_as_the_plan_says() -> None:
    assert source().place("mc-1").pod == "sandbox-mc-1"


@pytest.mark.parametrize("value", ["a\r\nX-Other: b", "\0"])
def test_a_value_that_would_be_another_header_is_refused_and_not_shown(tools: Tools, value: str) -> None:
    with pytest.raises(UsageError) as caught:
        source(KEY=value).prepare(tools)
    assert value not in str(caught.value)
