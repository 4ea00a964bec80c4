"""How long contracts may run for one request: their code is anybody's, and may never end.

Time is that of the thread's own processor: a busy machine takes no time away from a call.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ocean_lib.localnet.chain.errors import server_error

CALL_GAS = 10_000_000
"""The most gas of an `eth_call`; one with more gets this much, as at a geth with such a cap."""
CALL_CPU_S = 2.0
"""For an `eth_call`, or all runs of an `eth_estimateGas`."""
TRANSACTION_CPU_S = 10.0
BATCH_CPU_S = 10.0
"""For all calls of a batch together."""


_ENDS: ContextVar[float] = ContextVar("localnet_cpu_limit", default=float("inf"))


@contextmanager
def cpu_limit(seconds: float) -> Iterator[None]:
    """Bound the contracts that run inside; a nearer limit outside stays in force."""
    token = _ENDS.set(min(_ENDS.get(), time.thread_time() + seconds))
    try:
        yield
    finally:
        _ENDS.reset(token)


def check_time() -> None:
    """Refuse to go on when the time is over.

    Raises:
        RpcError: It is over. It passes through py-evm, whose contracts catch only its own errors.
    """
    if time.thread_time() > _ENDS.get():
        raise server_error(
            "execution aborted: it took more processor time than this chain gives one request"
        )
