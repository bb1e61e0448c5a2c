from memcollect.sources.api import Api
from memcollect.sources.cluster_uid import cluster_uid
from memcollect.testing import NAMESPACES, Cluster, Fault

PATH = "/api/v1/namespaces/kube-system"


def test_a_cluster_is_told_by_the_uid_of_the_namespace_that_it_has_from_its_beginning(
    api: Api, state: Cluster
) -> None:
    state.put(NAMESPACES, {"metadata": {"name": "kube-system", "uid": "0a1b-\x1b[31m"}})
    assert cluster_uid(api) == "0a1b-\\x1b[31m"
    assert state.requests.paths() == [PATH]


def test_where_it_is_not_there_or_may_not_be_read_it_is_not_known(api: Api, state: Cluster) -> None:
    assert cluster_uid(api) == ""
    state.put(NAMESPACES, {"metadata": {"name": "kube-system", "uid": "0a1b"}})
    state.fault(Fault(PATH, status=403))
    assert cluster_uid(api) == ""
