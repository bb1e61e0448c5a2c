"""What a provisioner's requests in a plan may not say: they make and delete by what {id} stands for."""

import msgspec
import pytest

from memcollect.profile.checks import check_plan
from memcollect.profile.plan import Call, Provisioned
from memcollect.profile.tables import Mistakes

GOOD = "http://h/{id}"


def told(create: Call | None = None, delete: Call | None = None, **more: object) -> str:
    source = Provisioned(create=create or Call(url=GOOD), delete=delete or Call(url=GOOD))
    mistakes: Mistakes = []
    check_plan(None, None, msgspec.structs.replace(source, **more), [], mistakes)
    return "\n".join(mistakes)


@pytest.mark.parametrize(
    "url", [GOOD, "https://h:443/{namespace}/{run}/{id}", "http://{id}.sandboxes:80/", "http://[::1]:1/{id}"]
)
def test_placeholders_may_stand_anywhere_in_a_url(url: str) -> None:
    assert told(Call(url=url), Call(url=url)) == ""


def test_the_id_may_stand_in_the_body_instead() -> None:
    call = Call(url="http://h/", body='{"sandbox_id": "{id}"}')
    assert told(call, call) == ""


def test_a_body_is_not_searched_for_unknown_placeholders_since_json_has_braces() -> None:
    assert told(Call(url=GOOD, body='{"a": {b}}')) == ""


def test_a_placeholder_nobody_fills_is_told() -> None:
    assert told(Call(url="http://h/{sandbox_id}/{id}")) == (
        "source.create.url has {sandbox_id}; only {id}, {run} and {namespace} are known."
    )
    assert "source.release.url has {pod};" in told(release=Call(url="http://h/{id}/{pod}"))


def test_a_request_without_the_id_would_make_or_delete_we_know_not_what() -> None:
    assert told(create=Call(url="http://h/{run}")).startswith("source.create names no {id}; ")
    assert told(delete=Call(url="http://h/{namespace}")).startswith("source.delete names no {id}; ")


@pytest.mark.parametrize(
    "url",
    [
        "h/{id}",
        "ftp://h/{id}",
        "http:///{id}",
        "http://h:0/{id}",
        "http://h:99999/{id}",
        "http://h:{id}/",
        "http://[::1/{id}",
        "http://h/{id} x",
        "http://h/{id}\r\nX-Other: b",
        "http://h/{id}\x1b[2J",
    ],
)
def test_what_is_no_address_of_a_service_is_told_escaped(url: str) -> None:
    mistake = told(Call(url=url))
    assert mistake.startswith("source.create.url is ")
    assert mistake.isprintable()


@pytest.mark.parametrize("who", ["someone:hunter2", ":hunter2", "hunter2"])
def test_credentials_in_an_address_are_refused_and_not_shown(who: str) -> None:
    mistake = told(reuse=Call(url=f"http://{who}@h/{{id}}"))
    assert mistake.startswith("source.reuse.url holds credentials")
    assert "hunter2" not in mistake


@pytest.mark.parametrize("pod", ["sandbox", "Sandbox-{id}", "-{id}", "a b{id}"])
def test_a_pods_name_is_one_and_holds_the_id(pod: str) -> None:
    assert told(pod=pod).startswith("source.pod is ")


def test_a_header_is_a_name_and_its_value_the_name_of_a_variable() -> None:
    assert told(headers={"X Key": "KEY"}) == "source.headers has 'X Key'; that is no header's name."
    mistake = told(headers={"Authorization": "Bearer hunter2"})
    assert "must name an environment variable" in mistake
    assert "hunter2" not in mistake
