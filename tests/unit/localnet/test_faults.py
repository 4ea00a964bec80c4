"""Faults as values, and which of them is due."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from ocean_lib.localnet.faults import (
    Delay,
    Drop,
    Fault,
    Faults,
    MoveNonce,
    StuckJob,
    Unavailable,
    WithholdResults,
)


def test_a_fault_happens_so_often_and_no_more() -> None:
    fault = Unavailable("start", times=2)
    faults = Faults([fault])
    due = [faults.take(Unavailable, "start") for _ in range(3)]

    assert due == [fault, fault, None]
    assert faults.happened == (fault, fault)
    assert faults.active == ()


def test_a_fault_is_for_its_operation_and_of_its_kind() -> None:
    faults = Faults([Drop("stop")])

    assert faults.take(Drop, "start") is None
    assert faults.take(Unavailable, "stop") is None
    assert faults.take(Drop, "stop") is not None


def test_any_is_every_operation_of_the_provider() -> None:
    faults = Faults([Unavailable(), StuckJob()])

    assert faults.take(Unavailable, "discovery") is not None
    assert faults.take(Unavailable, "metadata") is None
    assert faults.take(StuckJob, "start") is None


def test_setting_faults_forgets_the_others() -> None:
    faults = Faults([Drop("start")])
    faults.take(Drop, "start")
    with faults.during(Delay("stop", seconds=1)) as same:
        inside = same.active

    assert inside == (Delay("stop", seconds=1),)
    assert (faults.active, faults.happened) == ((), ())
    assert "Drop(operation='stop'" in repr(Faults([Drop("stop")]))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Drop("begin"),  # type: ignore[arg-type]
        lambda: Drop("start", times=0),
        lambda: StuckJob(70),
    ],
)
def test_what_can_never_happen_is_refused(make: Any) -> None:
    with pytest.raises(ValueError, match=r"no operation|1 or more|stuck at one of"):
        make()


@pytest.mark.parametrize("wrong", ["start", Fault("start"), Drop])
def test_only_faults_can_be_set(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"such as Drop\('start'\)"):
        Faults([wrong])


def test_values_compare_and_name_what_they_do() -> None:
    assert WithholdResults(times=1).operation == "result"
    assert MoveNonce("stop") == MoveNonce("stop")
    assert StuckJob(30).status == 30


@pytest.mark.parametrize("end", ["set", "close", "stop"])
def test_who_waits_goes_on_when_the_fault_is_gone(end: str) -> None:
    faults = Faults([StuckJob(), Delay("status", seconds=60)])
    stop = threading.Event()
    waiting = [
        threading.Thread(target=faults.hold, args=(40, stop)),
        threading.Thread(target=faults.delay, args=("status",)),
    ]
    started = time.monotonic()
    for thread in waiting:
        thread.start()
    if end == "stop":
        stop.set()
        waiting[0].join(5)
        faults.clear()
    elif end == "close":
        faults.close()
    else:
        faults.set(StuckJob(), Delay("status", seconds=60))
    for thread in waiting:
        thread.join(5)

    assert not any(thread.is_alive() for thread in waiting)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("seconds", [-1, float("nan"), "5", None])
def test_a_delay_that_is_none_is_refused(seconds: Any) -> None:
    with pytest.raises(ValueError, match="seconds must be 0 or more"):
        Delay("status", seconds=seconds)
