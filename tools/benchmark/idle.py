"""Whether other programs are busy: they slow some systems down more than others."""

import os
import time
from pathlib import Path

WATCHED_SECONDS = 2.0
QUIET = 0.1
"""Cores in use below which the machine counts as idle."""


def busy_cores() -> float:
    """How many cores are in use while this process waits."""
    before = busy_seconds()
    time.sleep(WATCHED_SECONDS)
    return (busy_seconds() - before) / WATCHED_SECONDS


def busy_seconds() -> float:
    """The time that all cores have worked since the machine started, in user or kernel mode."""
    user, nice, system = Path("/proc/stat").read_text().split(maxsplit=4)[1:4]
    return (int(user) + int(nice) + int(system)) / os.sysconf("SC_CLK_TCK")
