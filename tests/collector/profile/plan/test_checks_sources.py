"""What a provisioner's requests in a plan may not say: they make and delete by what {id} stands for."""

from typing import Any

import msgspec
import pytest

from memcollect.profile.plan.model import Call, Provisioned, Seconds
from memcollect.profile.plan.shown import shown
from worlds.plan_tables import source_mistakes

GOOD = "http://h/{id}"


def told(create: Call | None = None, delete: Call | None = None, **more: Any) -> str:
    source = Provisioned(create=create or Call(url=GOOD), delete=delete or Call(url=GOOD))
    return "\n".join(source_mistakes(msgspec.structs.replace(source, **more)))


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
        "source.create.url has {sandbox_id}; only {id}, {run}, {namespace}, {thread} and {user} are known."
    )
    assert "source.release.url has {pod};" in told(release=Call(url="http://h/{id}/{pod}"))


@pytest.mark.parametrize("word", ["{ID}", "{sandbox-id}", "{Id}", "{ id}", "{}", "{0}", "{id", "id}", "{ä}"])
def test_braces_of_any_other_kind_would_be_sent_as_they_are(word: str) -> None:
    mistake = told(Call(url=f"http://h/{{id}}/{word}"))
    assert mistake.startswith("source.create.url ")
    assert "{id}, {run}, {namespace}" in mistake or "write http://" in mistake


def test_a_misspelt_id_is_one_mistake_and_not_two() -> None:
    assert told(Call(url="http://h/{ID}")) == (
        "source.create.url has {ID}; only {id}, {run}, {namespace}, {thread} and {user} are known."
    )


def test_a_request_without_the_id_would_make_or_delete_we_know_not_what() -> None:
    assert told(create=Call(url="http://h/{run}")).startswith("source.create names no {id}; ")
    assert told(delete=Call(url="http://h/{namespace}")).startswith("source.delete names no {id}; ")


@pytest.mark.parametrize("way", ["release", "reuse"])
def test_a_release_and_a_reuse_name_their_sandbox(way: str) -> None:
    assert told(**{way: Call(url="http://h/all")}) == (
        f"source.{way} names no {{id}}; put it into url or body, "
        f"or it would {'release' if way == 'release' else 'take'} we know not what."
    )
    assert told(**{way: Call(url="http://h/", body='{"id": "{id}"}')}) == ""


@pytest.mark.parametrize("url", ["http://h/#{id}", "http://h/{id}#", "http://h/{id}#part"])
def test_a_part_after_a_hash_is_never_sent(url: str) -> None:
    assert told(delete=Call(url=url)).startswith("source.delete.url has a part after #, which is never sent")


@pytest.mark.parametrize("kind", ["", "a/b\r\nX-Other: b", "a\nb", " json", "json ", "jsön", "a\x1b[2J"])
def test_a_content_type_is_a_headers_value(kind: str) -> None:
    mistake = told(Call(url=GOOD, content_type=kind))
    assert mistake.startswith("source.create.content_type is ")
    assert mistake.isprintable()


def test_no_time_for_an_answer_is_a_mistake() -> None:
    assert told(request_timeout=Seconds(0)).startswith("source.request_timeout is 0; ")


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


@pytest.mark.parametrize(
    "url",
    [
        "ftp://me:hunter2@h/{id}",
        "http://me:hunter2@h:99999/{id}",
        "http://me:hunter2@[::1/{id}",
        "http://me:hunter2@h/{id} x",
        "http://me:hun/ter2:hunter2@h/{id}",
        "http://me:a b@hunter2@h:0/{id}",
        "http://" + "hunter2" * 20 + "@h:0/{id}",
        "me:hunter2@h/{id}",
        "http://me:{hunter2}@h:0/{id}",
        "http://me:#{hunter2}@h/{id}",
        "http://me:{hunter2}@h/{id}",
    ],
)
def test_credentials_are_not_shown_however_badly_the_address_is_written(url: str) -> None:
    mistake = told(Call(url=url))
    assert mistake.startswith("source.create.url ")
    assert "hunter2" not in mistake
    assert "//" not in url or "hunter2" not in shown([url])


@pytest.mark.parametrize("pod", ["sandbox", "Sandbox-{id}", "-{id}", "a b{id}"])
def test_a_pods_name_is_one_and_holds_the_id(pod: str) -> None:
    assert told(pod=pod).startswith("source.pod is ")


def test_a_header_is_a_name_and_its_value_the_name_of_a_variable() -> None:
    assert told(headers={"X Key": "KEY"}) == (
        "source.headers has 'X Key', which is no header's name; use letters, digits and '-', as X-API-Key."
    )
    mistake = told(headers={"Authorization": "Bearer hunter2"})
    assert "must name an environment variable" in mistake
    assert "hunter2" not in mistake
