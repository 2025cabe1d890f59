"""What ends a run: a guarantee that does not hold, or a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

DEADLINE = 60.0  # seconds that anything may take


class Violation(Exception):
    """A guarantee that does not hold."""


def ensure(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Violation(otherwise)


def wait_for(what: str, missing: Callable[[], object], step: Callable[[], object]) -> None:
    """Repeats `step` until nothing is missing."""
    limit = time.monotonic() + DEADLINE
    while lack := missing():
        ensure(time.monotonic() < limit, f"waited {DEADLINE:.0f} s for {what}; missing: {lack}")
        step()
