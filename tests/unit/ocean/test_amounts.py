"""Amounts are exact in both directions."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocean_lib.exceptions import InvalidInput
from ocean_lib.models.amounts import TokenAmount
from ocean_lib.ocean.util import from_base, from_base_18, to_base, to_base_18

UINT256 = 2**256 - 1


def shown(value):
    return "huge" if isinstance(value, int) and abs(value) > UINT256 else repr(value)[:20]


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
        10**5000,
        -(10**5000),
        "0." + "1" * 5000,
        "1e999999999999999999999",
        Decimal("sNaN"),
    ],
    ids=shown,
)
def test_what_is_no_exact_amount_is_refused(amount):
    with pytest.raises(InvalidInput) as caught:
        to_base_18(amount)

    assert len(str(caught.value)) < 250


def test_zeros_that_say_nothing_are_no_decimals():
    assert to_base_18("1." + "0" * 5000) == 10**18


@pytest.mark.parametrize("precision", [1, 28, 500])
def test_an_amount_is_exact_whatever_precision_the_caller_computes_with(precision):
    with localcontext() as context:
        context.prec = precision

        assert to_base_18("123456789.123456789123456789") == 123456789123456789123456789
        assert from_base_18(123456789123456789123456789) == Decimal("123456789.123456789123456789")


@pytest.mark.parametrize("decimals", [None, -1, 256, True, 1.0, "18"])
def test_what_no_token_can_have_as_decimals_is_refused(decimals):
    for convert in (to_base, from_base):
        with pytest.raises(InvalidInput, match="decimals"):
            convert(1, decimals)


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


@pytest.mark.parametrize("base", [1.0, "1", None, True, 10**5000], ids=shown)
def test_what_is_no_base_value_is_refused(base):
    with pytest.raises(InvalidInput):
        from_base_18(base)


@pytest.mark.parametrize(
    ("counted", "exact"),
    [
        (TokenAmount("0.1") * 1.0, "0.1"),
        (0.2 + TokenAmount("0.1"), "0.3"),
        (TokenAmount("0.3") - 0.1, "0.2"),
        (1.0 / TokenAmount(4), "0.25"),
        (TokenAmount("0.5") * 2 * 0.1, "0.1"),
        (TokenAmount(7) // 2.0, "3"),
        (TokenAmount(7) % 4.0, "3"),
        (TokenAmount(2) ** 3.0, "8"),
    ],
)
def test_an_orders_amount_counts_with_floats_exactly(counted, exact):
    assert counted == Decimal(exact)
    assert isinstance(counted, TokenAmount)


@given(st.decimals(0, 10**6, places=6), st.floats(0, 1e6, allow_nan=False))
def test_a_float_counts_as_its_shortest_text(amount, factor):
    assert TokenAmount(amount) * factor == amount * Decimal(repr(factor))


def test_what_is_no_number_is_refused_as_by_a_decimal():
    with pytest.raises(TypeError):
        TokenAmount(1) * "x"  # type: ignore[operator]
