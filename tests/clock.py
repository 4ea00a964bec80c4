"""A clock for tests of what waits."""

from __future__ import annotations

import time
from types import ModuleType

import pytest


class Clock:
    """Time that passes only when somebody sleeps.

    Args:
        began: What it shows at first; None for now, for what also reads the real one.
    """

    def __init__(self, began: float | None = None) -> None:
        self.now = self.began = time.monotonic() if began is None else began

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def rules(self, monkeypatch: pytest.MonkeyPatch, *modules: ModuleType) -> Clock:
        """Be the time of these modules."""
        for module in modules:
            monkeypatch.setattr(module, "time", self)
        return self
