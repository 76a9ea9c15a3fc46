"""How a process should use memory and threads; decided before torch is loaded, so by starting it again."""

import os
import sys

# Large tensors that are mapped and unmapped at every use cost more in page faults than in arithmetic, and
# threads that spin at a barrier take the processor from the one they wait for where there is other work.
SETTINGS = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "100000000000",
    "MALLOC_TOP_PAD_": "300000000",
    "OMP_WAIT_POLICY": "passive",
}


def settle() -> None:
    """Starts the program again with the settings, unless it has them."""
    if not SETTINGS.items() <= os.environ.items():
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | SETTINGS)
