import sys
from importlib.metadata import version

import pytest

from worlds.children import run

MODELS = ("kubernetes.client.models.", "kubernetes.client.api.")
LAZY = 37
"""The first client that imports its generated calls and models only when one is asked for."""


@pytest.mark.skipif(int(version("kubernetes").partition(".")[0]) < LAZY, reason="it imports all at once")
@pytest.mark.parametrize("module", ["portforward", "exec"])
def test_the_models_of_kubernetes_are_not_imported(module: str) -> None:
    program = (
        f"import sys, memcollect.sources.{module}\n"
        f"print([each for each in sys.modules if each.startswith({MODELS})])"
    )
    assert run([sys.executable, "-c", program], check=True).stdout == "[]\n"
