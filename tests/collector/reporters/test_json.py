import msgspec

from memcollect.documents.files import decode_snapshot
from memcollect.reporters import json
from worlds import sample_snapshots as samples


def test_the_document_comes_back_as_it_was() -> None:
    snapshot = samples.snapshot(samples.pod(), samples.pod(samples.HOSTILE), missing=[samples.missing_pod()])
    assert decode_snapshot(json.render(snapshot).encode(), "file") == snapshot


def test_the_names_are_those_of_the_contract() -> None:
    document = msgspec.json.decode(json.render(samples.snapshot()))
    assert document["schema_version"] == 2
    pod = document["pods"][0]
    assert {
        "uid",
        "namespace",
        "qos_class",
        "runtime",
        "top",
        "ladder",
        "composition",
        "verdict",
    } <= pod.keys()
    assert pod["runtime"]["class"] is None
    assert pod["containers"][0]["processes"][0]["pss_shmem_bytes"] == 0


def test_it_is_indented_and_ends_with_a_line() -> None:
    text = json.render(samples.snapshot())
    assert text.startswith('{\n  "schema_version": 2,\n')
    assert text.endswith("}\n")
