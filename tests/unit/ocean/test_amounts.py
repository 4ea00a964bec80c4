"""Amounts are exact in both directions."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocean_lib.exceptions import InvalidInput
from ocean_lib.ocean.util import from_base, from_base_18, to_base, to_base_18

UINT256 = 2**256 - 1


@pytest.mark.parametrize(
    ("amount", "base"),
    [
        (1, 10**18),
        (1.0, 10**18),
        ("1.50", 15 * 10**17),
        (Decimal("0.000000000000000001"), 1),
        (0.1, 10**17),
        (0.3, 3 * 10**17),
        (1e-18, 1),
        (1000.0, 10**21),
        (123456789.123456789, 123456789123456790000000000),
        (Decimal("1E+3"), 10**21),
        (0, 0),
        ("-0", 0),
        ("0E-30", 0),
    ],
)
def test_an_amount_becomes_its_exact_base_value(amount, base):
    assert to_base_18(amount) == base


@pytest.mark.parametrize(
    "amount",
    [
        1e-19,
        "0.0000000000000000001",
        Decimal("1e-99999"),
        "1e99999",
        -1,
        "-0.1",
        float("nan"),
        float("inf"),
        "-Infinity",
        "abc",
        "",
        None,
        True,
        [1],
        10**60,
    ],
)
def test_what_is_no_exact_amount_is_refused(amount):
    with pytest.raises(InvalidInput):
        to_base_18(amount)


@given(st.integers(min_value=0, max_value=UINT256))
def test_every_base_value_comes_back_unchanged(base):
    assert to_base_18(from_base_18(base)) == base


@given(st.integers(min_value=0, max_value=UINT256), st.integers(min_value=0, max_value=30))
def test_other_decimals_come_back_unchanged(base, decimals):
    assert to_base(from_base(base, decimals), decimals) == base


@given(st.floats(min_value=0, max_value=1e15, allow_nan=False))
def test_a_float_is_read_as_its_shortest_text(value):
    text = repr(value)
    try:
        expected = to_base_18(text)
    except InvalidInput:
        with pytest.raises(InvalidInput):
            to_base_18(value)
        return

    assert to_base_18(value) == expected


def test_a_base_value_is_shown_without_needless_zeros():
    assert str(from_base_18(1500000000000000000)) == "1.5"
    assert str(from_base_18(1000 * 10**18)) == "1000"
    assert from_base_18(-1) == Decimal("-0.000000000000000001")
    assert from_base_18(10**18) == 1.0


@pytest.mark.parametrize("base", [1.0, "1", None, True])
def test_a_base_value_is_a_whole_number(base):
    with pytest.raises(InvalidInput):
        from_base_18(base)
