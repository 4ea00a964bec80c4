"""Amounts of tokens to and from their smallest unit, exactly."""

from __future__ import annotations

from decimal import ROUND_DOWN, Context, Decimal, InvalidOperation
from typing import Any, Union

from ocean_lib.checks import printable
from ocean_lib.exceptions import ConfigError, InvalidInput

Amount = Union[int, str, Decimal, float]
"""What is taken as an amount of tokens."""

_MAX_UINT256_DIGITS = 78
_TOO_LARGE = 10**1000
_ETHER_DECIMALS = 18
_MAX_DECIMALS = 255
"""A contract has them as uint8."""

# Not the thread's own context, whose precision the caller may have set.
_EXACT = Context(prec=2 * _MAX_UINT256_DIGITS, rounding=ROUND_DOWN, traps=[InvalidOperation])


class TokenAmount(Decimal):
    """A Decimal that also counts with floats, each read as the shortest text that stands for it."""

    __slots__ = ()


def _with_floats(operation: str) -> Any:
    exact = getattr(Decimal, operation)

    def counted(self: TokenAmount, other: Any) -> Any:
        result = exact(self, Decimal(repr(other)) if isinstance(other, float) else other)
        return TokenAmount(result) if isinstance(result, Decimal) else result

    return counted


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    for _operation in (f"__{_name}__", f"__r{_name}__"):
        setattr(TokenAmount, _operation, _with_floats(_operation))


def to_base(amt: Amount, dec: int) -> int:
    """Return an amount of tokens in its smallest unit.

    A float is read as the shortest text that stands for it: `0.1` is a tenth, exactly, and not
    the binary number beside it that arithmetic on it would use.

    Args:
        amt: int, Decimal, float, or the decimal text of one.
        dec: the token's decimals.

    Raises:
        InvalidInput: it is no number, not finite, negative, has more decimals than the token, or
            is larger than any contract can hold; or `dec` is no token's.
    """
    _check_decimals(dec)
    value = _decimal(amt)
    if not value.is_finite() or value < 0:
        raise InvalidInput(f"An amount must be a number from 0 on, got {printable(str(value))}.")
    if not fits_contract(value, dec):
        raise InvalidInput("An amount is larger than a token contract can hold.")
    base = whole_base(value, dec)
    if from_base(base, dec) != value:
        raise InvalidInput(
            f"An amount may have {dec} decimals at most, got {printable(str(value))}."
        ).advised("round-amount")
    return base


def fits_contract(value: Decimal, dec: int) -> bool:
    """Tell whether an amount may be one of a token contract, by its number of digits.

    Args:
        value: in tokens, finite.
        dec: the token's decimals.
    """
    return not value or value.adjusted() + dec < _MAX_UINT256_DIGITS


def whole_base(value: Decimal, dec: int) -> int:
    """Return an amount in its smallest unit; what is less than one is cut off.

    Args:
        value: in tokens, one that `fits_contract`.
        dec: the token's decimals.
    """
    return int(_EXACT.scaleb(_EXACT.plus(value), dec))


def from_base(num_base: int, dec: int) -> Decimal:
    """Return an amount in tokens, exactly.

    Args:
        num_base: the amount in its smallest unit.
        dec: the token's decimals.

    Raises:
        InvalidInput: it is no whole number, or far larger than any contract can hold; or `dec`
            is no token's.
    """
    _check_decimals(dec)
    if isinstance(num_base, bool) or not isinstance(num_base, int):
        raise InvalidInput(
            f"An amount in its smallest unit is a whole number, got {type(num_base).__name__}."
        )
    if abs(num_base) >= _TOO_LARGE:
        raise InvalidInput("An amount is larger than a token contract can hold.")
    whole, rest = divmod(abs(num_base), 10**dec)
    sign = "-" if num_base < 0 else ""
    decimals = f"{rest:0{dec}d}".rstrip("0") if rest else ""
    return Decimal(f"{sign}{whole}.{decimals}" if decimals else f"{sign}{whole}")


def in_tokens(amount: Decimal) -> str:
    """Return an amount of whole tokens as text, without an exponent or trailing zeros."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def ether_in_wei(text: str) -> int:
    """Return an amount of ether in wei.

    Args:
        text: a decimal number above 0.

    Raises:
        ConfigError: it is none; the message is what is expected, for the caller's sentence.
    """
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(0)
    # No exponent that fills the memory.
    if amount.is_finite() and amount.adjusted() < _ETHER_DECIMALS:
        wei = int(amount.scaleb(_ETHER_DECIMALS))
        if wei > 0:
            return wei
    raise ConfigError("an amount of ether above 0, such as 0.5")


def _decimal(amt: Amount) -> Decimal:
    if isinstance(amt, bool) or not isinstance(amt, (int, str, Decimal, float)):
        raise InvalidInput(f"An amount is a number or its text, got {type(amt).__name__}.")
    try:
        return Decimal(repr(float(amt)) if isinstance(amt, float) else amt)
    except InvalidOperation:
        raise InvalidInput("An amount must be a number or its decimal text.") from None


def _check_decimals(dec: object) -> None:
    if isinstance(dec, bool) or not isinstance(dec, int) or not 0 <= dec <= _MAX_DECIMALS:
        raise InvalidInput(
            f"A token's decimals are a whole number from 0 to {_MAX_DECIMALS}, got "
            f"{printable(dec)}."
        )
