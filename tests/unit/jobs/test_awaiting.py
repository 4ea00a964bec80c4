"""Any call can be awaited; a cancelled await ends what waits, and loses nothing that began."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from ocean_lib import in_thread, time_limit
from ocean_lib.exceptions import JobError
from ocean_lib.http.deadline import current_deadline
from ocean_lib.jobs.awaiting import Cancelled, check_awaited, pause
from ocean_lib.jobs.view import JobState, JobStatus
from ocean_lib.jobs.waiting import Wait, wait

RUNNING = JobStatus("j1", 40, "Running algorithm ", JobState.RUNNING)


class Slow:
    """A call that a test lets begin and end."""

    def __init__(self, result: Any = None, error: Exception | None = None) -> None:
        self.result, self.error = result, error
        self.begun, self.may_end = threading.Event(), threading.Event()
        self.ended = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.begun.set()
        self.may_end.wait(30)
        self.ended = True
        if self.error:
            raise self.error
        return self.result or (args, kwargs)


async def begun(call: Any) -> asyncio.Task[Any]:
    task = asyncio.create_task(in_thread(call))
    await asyncio.to_thread(call.begun.wait, 30)
    return task


def test_what_a_call_returns_and_raises_is_what_the_await_does() -> None:
    call = Slow()
    call.may_end.set()

    assert asyncio.run(in_thread(call, 1, call=2)) == ((1,), {"call": 2})
    call.error = JobError("no")
    with pytest.raises(JobError, match="no"):
        asyncio.run(in_thread(call))


def test_a_time_limit_around_the_await_holds_inside() -> None:
    async def bounded() -> float:
        with time_limit(30):
            deadline = await in_thread(current_deadline)
        return deadline.remaining() if deadline else 0.0

    assert 0 < asyncio.run(bounded()) <= 30


@pytest.mark.parametrize("times", [1, 3])
def test_a_cancelled_start_runs_to_its_end_and_its_job_is_named(caplog, times) -> None:
    job = SimpleNamespace(job_id="7a" * 16)
    call = Slow(job)

    async def cancelled() -> None:
        task = await begun(call)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        assert not task.done(), "it waits for the call's end"
        call.may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())

    assert call.ended
    assert "7a" * 16 in caplog.text


def test_what_a_cancelled_call_failed_with_is_told(caplog) -> None:
    call = Slow(error=JobError("the start was refused"))

    async def cancelled() -> None:
        task = await begun(call)
        task.cancel()
        call.may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())

    assert "the start was refused" in caplog.text


def test_other_results_do_not_get_into_the_log(caplog) -> None:
    call = Slow({"urls": ["http://x/?secret"]})
    caplog.set_level(logging.DEBUG, "ocean_lib")

    async def cancelled() -> None:
        task = await begun(call)
        task.cancel()
        call.may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())

    assert "secret" not in caplog.text


def test_a_cancelled_wait_ends_before_the_job() -> None:
    plan = Wait(["j1"], poll_interval_s=3600)
    looked = threading.Event()

    def look() -> None:
        plan.saw({"j1": RUNNING})
        looked.set()

    async def cancelled() -> None:
        task = asyncio.create_task(in_thread(wait, plan, look))
        await asyncio.to_thread(looked.wait, 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())  # an hour, if it did not


def test_a_call_that_had_not_begun_never_begins() -> None:
    call = Slow()

    async def cancelled() -> None:
        held = threading.Event()
        loop = asyncio.get_running_loop()
        from concurrent.futures import ThreadPoolExecutor

        loop.set_default_executor(ThreadPoolExecutor(1))
        busy = loop.run_in_executor(None, held.wait, 30)
        task = asyncio.create_task(in_thread(call))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        held.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        await busy

    asyncio.run(cancelled())

    assert not call.begun.is_set()


def test_outside_of_an_await_nothing_is_cancelled() -> None:
    def outside() -> None:
        check_awaited()
        pause(0)

    contextvars.Context().run(outside)


def test_inside_a_cancelled_await_a_read_ends() -> None:
    reads = []

    class Reader(Slow):
        def __call__(self) -> Any:
            super().__call__()
            try:
                check_awaited()
            except Cancelled as error:
                reads.append(error)
                raise

    call = Reader()

    async def cancelled() -> None:
        task = await begun(call)
        task.cancel()
        await asyncio.sleep(0)
        call.may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())

    assert len(reads) == 1
