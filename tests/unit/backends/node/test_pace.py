"""A client never asks a node for more statuses than half of its rate limit, and backs off."""

from __future__ import annotations

import itertools
import random
import threading
from typing import Any

import pytest

from ocean_lib.backends.node import pace as pace_module
from ocean_lib.backends.node.pace import SPARE_S, WINDOW_S, Pace, patiently
from ocean_lib.config import Config
from ocean_lib.exceptions import ImageNotFound, TooManyRequests
from ocean_lib.http import deadline as deadline_module
from ocean_lib.http.deadline import Deadline, time_limit
from ocean_lib.jobs.waiting import intervals
from tests.clock import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(1000.0).rules(monkeypatch, pace_module, deadline_module)


def most_in_a_minute(moments: list[float]) -> int:
    return max(sum(first <= each < first + WINDOW_S for each in moments) for first in moments)


@pytest.mark.parametrize("seed", range(20))
def test_no_minute_has_more_than_half_of_a_nodes_requests(clock: Clock, seed: int) -> None:
    polls = Config(options_dict={}).polls_per_minute
    choose, pace, moments = random.Random(seed), Pace(polls), []
    for _ in range(300):
        pace.wait(Deadline(WINDOW_S))
        moments.append(clock.now)
        clock.now += choose.choice([0, 0, 0.01, 1, 3, 20, 70])

    assert polls == 15, "a node answers 30 a minute"
    assert most_in_a_minute(moments) <= polls


def test_who_asks_without_end_is_never_held_for_long(clock: Clock) -> None:
    pace, moments = Pace(15), []
    for _ in range(100):
        pace.wait(Deadline(WINDOW_S))
        moments.append(clock.now)

    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert moments[4] == moments[0], "the first five are not delayed"
    assert max(gaps) < 20
    assert most_in_a_minute(moments) <= 15


@pytest.mark.slow
@pytest.mark.parametrize("polls", [1, 2, 3, 4, 30, 1000])
def test_any_number_a_minute_may_be_allowed(clock: Clock, polls: int) -> None:
    pace, moments = Pace(polls), []
    for _ in range(3 * polls):
        pace.wait(Deadline(2 * WINDOW_S))
        moments.append(clock.now)

    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert polls // 2 <= most_in_a_minute(moments) <= polls
    assert max(gaps) <= WINDOW_S


def test_a_wait_with_its_own_intervals_is_not_delayed(clock: Clock) -> None:
    pace, late_s = Pace(15), 0.0
    for pause_s, _ in zip(intervals(None), range(30), strict=False):
        before = clock.now
        pace.wait(Deadline(WINDOW_S))
        late_s = max(late_s, clock.now - before)
        clock.now += pause_s

    assert late_s < 1


def test_a_poll_without_time_for_its_turn_is_not_sent_and_takes_nobodys_turn(clock: Clock) -> None:
    pace = Pace(15)
    for _ in range(12):
        pace.wait(Deadline(WINDOW_S))
    before = clock.now

    for _ in range(50):
        with pytest.raises(TooManyRequests, match="wait_all") as caught:
            pace.wait(Deadline(0.5))
    pace.wait(Deadline(WINDOW_S))

    assert caught.value.retry_after_s == pytest.approx(clock.now - before)
    assert clock.now - before < 20


def test_the_polls_of_many_threads_are_spread_as_those_of_one() -> None:
    pace, moments = Pace(polls=20, window_s=1.0), []

    def poll() -> None:
        pace.wait(Deadline(30))
        moments.append(pace_module.time.monotonic())

    threads = [threading.Thread(target=poll) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(moments) == 30
    assert max(pace._moments) - min(pace._moments) > 0.5


def refusing(times: int, wait_s: float | None) -> Any:
    left = [times]

    def act() -> str:
        if left[0]:
            left[0] -= 1
            error = TooManyRequests("too often")
            error.retry_after_s = wait_s
            raise error
        return "done"

    return act


def test_what_is_asked_too_often_waits_as_long_as_the_node_says(clock: Clock) -> None:
    assert patiently(100, refusing(3, 20.0)) == "done"
    assert clock.now == 1060


@pytest.mark.parametrize("wait_s", [None, 0.0])
def test_it_is_never_asked_again_at_once(clock: Clock, wait_s: float | None) -> None:
    assert patiently(100, refusing(3, wait_s)) == "done"
    assert clock.now == 1000 + 1 + 2 + 4


@pytest.mark.parametrize("total_s", [30, 60])
def test_it_is_given_up_before_the_time_is_over(clock: Clock, total_s: float) -> None:
    with pytest.raises(TooManyRequests):
        patiently(total_s, refusing(9, 60.0))
    assert clock.now == 1000 + total_s - SPARE_S


def test_a_longer_operation_does_not_make_it_wait_for_ever(clock: Clock) -> None:
    with time_limit(3600), pytest.raises(TooManyRequests):
        patiently(60, refusing(10**6, 5.0))
    assert clock.now <= 1060


def test_other_refusals_are_raised_at_once(clock: Clock) -> None:
    def act() -> None:
        raise ImageNotFound("no")

    with pytest.raises(ImageNotFound):
        patiently(60, act)
    assert clock.now == 1000
