"""What an image is made of, and the name it is kept under."""

import re
from importlib.metadata import requires

import msgspec
import pytest

from memcollect.lab.errors import LabError
from memcollect.lab.full.recipe import BASE, VERSIONS, recipe


def test_whatever_the_image_is_made_of_is_in_its_key() -> None:
    known = recipe("6.12")
    others = [
        msgspec.structs.replace(known, packages=[*known.packages, "one-more"]),
        msgspec.structs.replace(known, files={**known.files, "etc/one-more": ""}),
        msgspec.structs.replace(known, commands=known.commands[1:]),
        msgspec.structs.replace(known, size_bytes=known.size_bytes + 1),
        recipe("7.2"),
    ]
    keys = {each.key for each in [known, *others]}
    assert len(keys) == 1 + len(others)
    assert recipe("6.12").key == known.key
    assert known.key.startswith("6.12-")


def test_a_newer_kernel_is_taken_from_its_own_suite_and_all_else_from_the_base() -> None:
    own, newer = recipe(VERSIONS[0]), recipe("7.2")
    assert own.suites == [BASE]
    assert newer.suites == [BASE, "sid"]
    assert set(own.packages) - set(newer.packages) == {"linux-image-amd64"}
    assert set(newer.packages) - set(own.packages) == {
        "linux-image-amd64/sid",
        "initramfs-tools-core/trixie",
        "initramfs-tools-bin/trixie",
    }


def test_the_image_has_whatever_our_programs_import() -> None:
    wanted = [
        each for each in requires("memcollect") or [] if re.search("extra == '(agent|collector)'", each)
    ]
    names = {re.split(r"[^A-Za-z0-9_-]", each)[0].lower() for each in wanted}
    assert "msgspec" in names
    debian = {"pyyaml": "yaml"}
    assert {f"python3-{debian.get(name, name)}" for name in names} <= set(recipe("6.12").packages)


def test_a_kernel_it_does_not_have_is_one_sentence_with_those_it_has() -> None:
    with pytest.raises(LabError, match=r"no kernel 5\.10") as caught:
        recipe("5.10")
    assert "6.12 and 7.2" in str(caught.value)
