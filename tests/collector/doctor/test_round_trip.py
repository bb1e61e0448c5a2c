import itertools

from memcollect.doctor.round_trip import RoundTrips
from memcollect.sources.agent_http import AgentConversation
from memcollect.sources.deadline import Deadline
from memcollect.sources.direct import DirectTransport
from memcollect.sources.transport import Endpoint
from memcollect_agent.wire import NodeSample, SampleRequest
from worlds.tcp_agents import answering, listening


def test_a_conversation_is_timed_from_its_first_byte_to_its_end() -> None:
    ticks = itertools.count(100.0)
    with listening(answering("n1")) as port:
        trips = RoundTrips(lambda: DirectTransport(lambda _: ("127.0.0.1", port)), lambda: next(ticks))
        endpoint = Endpoint(pod="agent", port=port, node="n1")
        with AgentConversation(trips(), endpoint, Deadline(60)) as agent:
            agent.ask("POST", "/v1/sample", NodeSample, SampleRequest())
            assert trips.received_at == {}
    # One tick for the first of several writes, one for the end.
    assert trips.sent_at == {"n1": 100.0}
    assert trips.received_at == {"n1": 101.0}
