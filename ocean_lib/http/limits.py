"""The numbers that bound every call."""

from __future__ import annotations

from dataclasses import dataclass

POOL_SIZE = 64
"""Connections kept per host: one for each thread of a busy back end."""

MAX_ANSWER_BYTES = 10 * 1024 * 1024
"""An API answer longer than this is refused; files are streamed and have their own limit."""

MAX_FILE_BYTES = 10 * 1024 * 1024 * 1024
"""A file whose length the server does not announce, and which is longer, is refused."""

MAX_LOG_BYTES = 100 * 1024 * 1024
"""So much of a log is held in memory, where the caller does not say."""

CACHE_LIFETIME_S = 60.0
"""How long a Provider's endpoints and an asset's service are believed."""

POLLS_PER_MINUTE = 15
"""Statuses asked of an Ocean Node: half of the requests that it answers with its defaults."""

ACCEPTED = "gzip, deflate"
"""The encodings that an answer may have, and the most that is undone."""

READ_ATTEMPTS = 3
"""How often a read (never a signed call) is tried when no answer came."""

LEAST_S = 0.001
"""A time-out is never below this: urllib3 refuses 0, which a deadline may leave."""

BACKOFF_S = 0.2
"""The wait before the second attempt; it triples for each one after."""

GATEWAY_STATUSES = frozenset({502, 503, 504, *range(520, 528), 529, 530, 598, 599})
"""With these a gateway speaks, not the server behind it. From 520 to 530 they are Cloudflare's and
their like's, 598 and 599 are time-outs of proxies."""

TOO_MANY_REQUESTS = 429

TOO_LARGE_STATUSES = frozenset({413, 414, 431})
"""What was sent is too large: its body, its URL, its headers."""

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
