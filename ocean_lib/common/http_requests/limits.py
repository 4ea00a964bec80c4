"""The numbers that bound every call."""

from __future__ import annotations

from dataclasses import dataclass

POOL_SIZE = 64
"""Connections kept per host: one for each thread of a busy back end."""

MAX_ANSWER_BYTES = 10 * 1024 * 1024
"""An API answer longer than this is refused; files are streamed and have their own limit."""

CACHE_LIFETIME_S = 60.0
"""How long a Provider's endpoints and an asset's service are believed."""

READ_ATTEMPTS = 3
"""How often a read (never a signed call) is tried when no answer came."""

BACKOFF_S = 0.2
"""The wait before the second attempt; it triples for each one after."""

MAX_TEXT = 500
"""Characters of a server's words that go into a message."""


@dataclass(frozen=True)
class Timeouts:
    """How long a call may take, in seconds.

    Attributes:
        connect_s: to make a connection.
        read_s: between two bytes of the answer.
        total_s: for the whole operation, however many requests it needs.
        file_total_s: for the transfer of one file, in place of `total_s`.
    """

    connect_s: float = 5.0
    read_s: float = 30.0
    total_s: float = 60.0
    file_total_s: float = 3600.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ValueError(f"{name} must be a positive number of seconds, got {value!r}.")
