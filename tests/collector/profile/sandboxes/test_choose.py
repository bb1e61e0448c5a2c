import sys
import time
from pathlib import Path

import pytest

from memcollect.errors import DocumentError
from memcollect.profile.plan.model import (
    Call,
    DeerFlow,
    Nothing,
    Plan,
    Provisioned,
    Selected,
    Source,
    Template,
    Trying,
)
from memcollect.profile.sandboxes.choose import source_of
from memcollect.profile.sandboxes.provisioned import ProvisionedSource
from memcollect.profile.sandboxes.selected import SelectedSource
from memcollect.profile.sandboxes.source import SandboxError
from memcollect.profile.sandboxes.template import TEMPLATE_NAME, TemplateSource
from memcollect.profile.tools import Tools
from memcollect.trying.drivers import program

CALL = Call(url="http://127.0.0.1:1/{id}")
FILE = Template(namespace="team", file="pod.yaml")
POD = "kind: Pod\nspec:\n  containers:\n  - name: {name}\n"


def plan(source: Source) -> Plan:
    return Plan(name="x", source=source, phases=[Nothing(name="a")])


def test_each_kind_of_source_is_its_own_class(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(POD.format(name="a"))
    kinds: dict[Source, type] = {
        Selected(selector="a=b"): SelectedSource,
        Template(clone="one"): TemplateSource,
        FILE: TemplateSource,
    }
    for source, kind in kinds.items():
        assert type(source_of(plan(source), "0123456789", tmp_path)) is kind
    provisioned = source_of(plan(Provisioned(create=CALL, delete=CALL)), "0123456789", tmp_path)
    assert type(provisioned) is ProvisionedSource


def test_a_templates_file_is_looked_for_beside_its_plan(tmp_path: Path, tools: Tools) -> None:
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "pod.yaml").write_text(POD.format(name="beside"))
    kept = source_of(plan(FILE), "0123456789", tmp_path / "plans").prepare(tools)
    assert b'"beside"' in kept[TEMPLATE_NAME]


def test_a_file_is_read_when_pods_are_to_be_made_of_it(tmp_path: Path, tools: Tools) -> None:
    source = source_of(plan(FILE), "0123456789", tmp_path)
    with pytest.raises(DocumentError, match=r"pod\.yaml cannot be read"):
        source.prepare(tools)


def test_a_run_that_goes_on_uses_the_manifest_it_began_with(tmp_path: Path, tools: Tools) -> None:
    (tmp_path / "pod.yaml").write_text(POD.format(name="changed-since"))
    begun_with = POD.format(name="as-begun").encode()
    kept = source_of(plan(FILE), "0123456789", tmp_path, begun_with).prepare(tools)
    assert b'"as-begun"' in kept[TEMPLATE_NAME]
    # Nor is the pod that was cloned asked for again: it may be gone.
    kept = source_of(plan(Template(clone="gone")), "0123456789", tmp_path, begun_with).prepare(tools)
    assert b'"as-begun"' in kept[TEMPLATE_NAME]


def test_a_package_that_does_not_begin_is_not_waited_for_after_ctrl_c(
    tmp_path: Path, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "_UNBEGUN_SECONDS", 0.5)
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    own = Plan(name="x", source=DeerFlow(), evidence=Trying(command=command), phases=[Nothing(name="a")])
    began = time.monotonic()
    with pytest.raises(SandboxError, match="did not start"):
        source_of(own, "0123456789", tmp_path, stopped=lambda: True).prepare(tools)
    assert time.monotonic() - began < program.BEGIN_SECONDS / 2
