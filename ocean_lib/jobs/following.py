"""Following a log while its job runs: from the first line to the last, each byte once."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from ocean_lib.exceptions import (
    JobNotFound,
    NotOffered,
    OceanError,
    TooManyRequests,
    TransportError,
)
from ocean_lib.jobs.awaiting import check_awaited, pause
from ocean_lib.jobs.view import JobStatus
from ocean_lib.jobs.waiting import Wait


def followed(
    plan: Wait,
    look: Callable[[], JobStatus],
    open_stream: Callable[[], AbstractContextManager[Iterator[bytes]]],
    read_log: Callable[[], AbstractContextManager[Iterator[bytes]]],
) -> Iterator[str]:
    """Yield a job's log as it grows, until the job's end.

    A stream that breaks is opened again, and what was told before is left out. Where the back end
    shows no log before the end, all of it comes then.

    Args:
        plan: of one job; says how long to wait, and for what.
        look: asks for the job's status.
        open_stream: opens the log of the running algorithm.
        read_log: opens the log of the ended job.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for piece in _pieces(plan, look, open_stream, read_log):
        text = decoder.decode(piece)
        if text:
            yield text
    rest = decoder.decode(b"", final=True)
    if rest:
        yield rest


def _pieces(
    plan: Wait,
    look: Callable[[], JobStatus],
    open_stream: Callable[[], AbstractContextManager[Iterator[bytes]]],
    read_log: Callable[[], AbstractContextManager[Iterator[bytes]]],
) -> Iterator[bytes]:
    done, is_complete = 0, False
    while True:
        try:
            with plan.looking():
                status = look()
            plan.saw({status.job_id: status})
        except OceanError as error:
            plan.failed(error)
        if not plan.unfinished():
            break
        try:
            with open_stream() as pieces:
                for piece in after(done, pieces):
                    check_awaited()
                    done += len(piece)
                    yield piece
            is_complete = True
        except JobNotFound:
            if is_complete:  # it has ended, and the stream was told to its end
                return
        except NotOffered:
            pass
        except (TransportError, TooManyRequests):
            is_complete = False
        pause(plan.pause_s())
    if not is_complete:
        with read_log() as pieces:
            yield from after(done, pieces)


def after(done: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Leave out the first `done` bytes, which came before."""
    for piece in pieces:
        rest = piece[done:]
        done = max(0, done - len(piece))
        if rest:
            yield rest
