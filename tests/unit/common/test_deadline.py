"""time_limit: what is a time, and what is not."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from ocean_lib.exceptions import InvalidInput
from ocean_lib.http.deadline import current_deadline, time_limit

KEY = "8467415bb2ba7c91084d932276214b11a3dd9bdb2930fefa194b666dd8020b99"
NO_TIMES = ["5", None, True, b"5", [5], math.nan, Decimal(5), 5j, KEY]


@pytest.mark.parametrize("wrong", [*NO_TIMES, 0, -1, -math.inf], ids=str)
def test_what_is_no_positive_number_of_seconds_is_refused(wrong: Any):
    with (
        pytest.raises(InvalidInput, match="seconds to be a positive number") as caught,
        time_limit(wrong),
    ):
        pass

    assert current_deadline() is None
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("wrong", [*(w for w in NO_TIMES if w is not None), 0, -1], ids=str)
@pytest.mark.parametrize("name", ["connect_s", "read_s"])
def test_what_is_no_time_for_a_request_is_refused(name: str, wrong: Any):
    with pytest.raises(InvalidInput, match=name), time_limit(5, **{name: wrong}):
        pass

    assert current_deadline() is None


@pytest.mark.parametrize("seconds", [5, 0.5, Fraction(1, 2), math.inf, 10**9])
def test_every_positive_number_is_a_time(seconds: Any):
    with time_limit(seconds) as deadline:
        assert 0 < deadline.remaining() <= seconds


@pytest.mark.parametrize("left", [0, -0.1])
def test_what_is_left_of_another_limit_may_be_nothing(left: float):
    with time_limit(5), time_limit(left) as deadline:
        assert deadline.is_over


@pytest.mark.parametrize("wrong", NO_TIMES, ids=str)
def test_what_is_no_number_is_refused_inside_another_limit_too(wrong: Any):
    with time_limit(5), pytest.raises(InvalidInput), time_limit(wrong):
        pass
