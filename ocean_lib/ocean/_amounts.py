"""Amounts of tokens to and from their smallest unit, in whole-number arithmetic only."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Union

from ocean_lib.exceptions import InvalidInput

Amount = Union[int, str, Decimal, float]
"""What is taken as an amount of tokens."""

_MAX_UINT256_DIGITS = 78


def to_base(amt: Amount, dec: int) -> int:
    """Return an amount of tokens in its smallest unit.

    A float is read as the shortest text that stands for it: `0.1` is a tenth, exactly, and not
    the binary number beside it that arithmetic on it would use.

    Args:
        amt: int, Decimal, float, or the decimal text of one.
        dec: the token's decimals.

    Raises:
        InvalidInput: it is no number, not finite, negative, has more decimals than the token, or
            is larger than any contract can hold.
    """
    value = _decimal(amt)
    if not value.is_finite() or (value.is_signed() and value != 0):
        raise InvalidInput(f"An amount must be a number from 0 on, got {amt}.")
    if value != 0 and value.adjusted() + dec >= _MAX_UINT256_DIGITS:
        raise InvalidInput("An amount is larger than a token contract can hold.")
    _, digits, exponent = value.as_tuple()
    whole = int("".join(map(str, digits)))
    shift = dec + int(exponent)  # int() for mypy: only NaN and infinity have letters here
    if whole == 0:
        return 0
    if shift >= 0:
        return int(whole * 10**shift)
    if len(digits) + shift <= -_MAX_UINT256_DIGITS or whole % 10**-shift:
        raise InvalidInput(
            f"An amount may have {dec} decimals at most, got {amt}. "
            "Round it first, with decimal.Decimal.quantize."
        )
    return whole // int(10**-shift)


def from_base(num_base: int, dec: int) -> Decimal:
    """Return an amount in tokens, exactly.

    Args:
        num_base: the amount in its smallest unit.
        dec: the token's decimals.

    Raises:
        InvalidInput: it is no whole number.
    """
    if isinstance(num_base, bool) or not isinstance(num_base, int):
        raise InvalidInput(
            f"An amount in its smallest unit is a whole number, got {type(num_base).__name__}."
        )
    whole, rest = divmod(abs(num_base), 10**dec)
    sign = "-" if num_base < 0 else ""
    decimals = f"{rest:0{dec}d}".rstrip("0") if rest else ""
    return Decimal(f"{sign}{whole}.{decimals}" if decimals else f"{sign}{whole}")


def _decimal(amt: Amount) -> Decimal:
    if isinstance(amt, bool) or not isinstance(amt, (int, str, Decimal, float)):
        raise InvalidInput(f"An amount is a number or its text, got {type(amt).__name__}.")
    try:
        return Decimal(repr(float(amt)) if isinstance(amt, float) else amt)
    except InvalidOperation:
        raise InvalidInput("An amount must be a number or its decimal text.") from None
