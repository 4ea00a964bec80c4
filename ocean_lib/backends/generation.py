"""Which of Ocean's back ends there are."""

from __future__ import annotations

import enum


class Generation(enum.Enum):
    """Which of Ocean's back ends speaks."""

    V3 = "v3"
    NODE = "node"
