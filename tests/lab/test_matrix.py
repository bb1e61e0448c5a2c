"""What the table says a kernel can show is what its own configuration says."""

import re

import pytest

from memcollect.lab import matrix
from memcollect.lab.kernels import Kernel
from memcollect.lab.matrix import Feature
from worlds import children

pytestmark = pytest.mark.lab


def test_the_table_says_what_the_kernel_was_built_with(kernel: Kernel) -> None:
    row = matrix.row_of(kernel.release)
    assert row is not None
    configuration = children.run(
        [kernel.program, "--showconfig"], cwd=kernel.directory, env=kernel.environment, check=True
    ).stdout
    built_in = set(re.findall(r"^CONFIG_(\w+)=y$", configuration, re.MULTILINE))
    assert "MEMCG" in built_in
    assert row.features == {feature for feature in Feature if feature.value in built_in}
