"""Any call of this library, awaited: in a thread, and never lost when the await is cancelled."""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import ParamSpec, TypeVar

from ocean_lib.exceptions import OceanError
from ocean_lib.jobs.service_orders import ServiceOrders

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

_CANCELLED: contextvars.ContextVar[threading.Event | None] = contextvars.ContextVar(
    "ocean_cancelled", default=None
)


class Cancelled(Exception):
    """The await of this call was cancelled: a wait, a log or a download ends here."""


async def in_thread(call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Await any call of this library, without blocking the event loop.

    The call runs in a thread of the loop's default executor. If the await is cancelled, what only
    waits or reads ends soon: `wait`, `wait_all`, `logs`, `download`. Every other call, such as
    `submit` or `buy`, runs to its end, which the config's times bound, and only then the
    cancellation is raised; a job that was started is named in the log. So a function that starts a
    job and keeps its `to_dict()` loses none. A call that had not begun never begins.

    Args:
        call: such as `compute.submit` or `job.download`, or a function of yours that calls them.
        *args: its arguments.
        **kwargs: likewise.

    Returns:
        What the call returns; it raises what the call raises.
    """
    import asyncio  # who awaits has loaded it

    cancelled = threading.Event()
    context = contextvars.copy_context()
    context.run(_CANCELLED.set, cancelled)
    begun = partial(_unless, cancelled, partial(call, *args, **kwargs))
    future = asyncio.get_running_loop().run_in_executor(None, context.run, begun)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        cancelled.set()
        while not future.done():
            with suppress(asyncio.CancelledError):  # a second one changes nothing
                await asyncio.wait([future])
        _say_what_became_of(future.exception() or future.result())
        raise


def pause(seconds: float) -> None:
    """Sleep; end early if the await of this call is cancelled.

    Raises:
        Cancelled: it is.
    """
    cancelled = _CANCELLED.get()
    if cancelled is None:
        time.sleep(seconds)
    elif cancelled.wait(seconds):
        raise Cancelled


def check_awaited() -> None:
    """Check that the await of this call is not cancelled.

    Raises:
        Cancelled: it is.
    """
    pause(0)


def _unless(cancelled: threading.Event, call: Callable[[], T]) -> T:
    if cancelled.is_set():
        raise Cancelled
    return call()


def _say_what_became_of(outcome: object) -> None:
    """Log a job that was started, orders that were placed, or why not; nothing else is shown."""
    if isinstance(outcome, (OceanError, ServiceOrders)) or hasattr(outcome, "job_id"):
        logger.warning("An await was cancelled, and its call went on to its end: %r", outcome)
