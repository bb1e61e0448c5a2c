"""What of the full lab the environment chooses; see conftest."""

import os
from pathlib import Path

from lab_full.passes import PASSES
from memcollect.lab.full.recipe import VERSIONS

KERNEL = os.environ.get("MEMCOLLECT_FULL_KERNEL") or VERSIONS[0]
PASS_NAMES = tuple((os.environ.get("MEMCOLLECT_FULL_PASSES") or ",".join(PASSES)).split(","))
HERE = Path(__file__).parent
MODULES = tuple(HERE.with_name(name) for name in ("lab", "lab_full", "worlds"))
"""What the guest's side of the suite is made of."""
