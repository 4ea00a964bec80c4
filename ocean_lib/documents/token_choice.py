"""The data token of a new asset, as the caller of `OceanAssets.create` wants it."""

from __future__ import annotations

from dataclasses import dataclass

from ocean_lib.checks import check_address, printable
from ocean_lib.exceptions import InvalidInput
from ocean_lib.models.amounts import Amount
from ocean_lib.models.data_token import DataToken
from ocean_lib.ocean.util import to_base_18

_MAX_UINT256 = 2**256 - 1


@dataclass(frozen=True)
class TokenChoice:
    """The data token to use, or how to make a new one.

    Attributes:
        address: the one to use; None: a new one.
        owner_address: is proposed as minter of a new one; None: nobody.
        name: of a new one; "": the asset's.
        symbol: of a new one; "": its name.
        blob: any text to keep with a new one.
        cap_base: the most tokens ever of a new one, in the smallest unit.
    """

    address: str | None
    owner_address: str | None
    name: str
    symbol: str
    blob: str
    cap_base: int


def token_choice(
    data_token_address: str | None,
    owner_address: str | None,
    dt_name: str | None,
    dt_symbol: str | None,
    dt_blob: str | None,
    dt_cap: Amount | None,
) -> TokenChoice:
    """Check the arguments of `OceanAssets.create` that are about the data token.

    Raises:
        InvalidInput: one of them cannot be used; the message names it.
    """
    return TokenChoice(
        _address("data_token_address", data_token_address),
        _address("owner_address", owner_address),
        _text("dt_name", dt_name),
        _text("dt_symbol", dt_symbol),
        _text("dt_blob", dt_blob),
        _cap_base(dt_cap),
    )


def _address(name: str, value: str | None) -> str | None:
    return None if value is None or value == "" else check_address(value, name=name)


def _text(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str) and value == value.encode("utf-8", "ignore").decode():
        return value
    raise InvalidInput(f"{name} must be text that UTF-8 can hold, or None, got {printable(value)}.")


def _cap_base(cap: Amount | None) -> int:
    if cap is None:
        return DataToken.DEFAULT_CAP_BASE
    try:
        base = to_base_18(cap)
    except InvalidInput as error:
        raise InvalidInput(f"dt_cap must be an amount of tokens: {error}") from None
    if 0 < base <= _MAX_UINT256:
        return base
    raise InvalidInput(
        "dt_cap must be more than 0, or nobody could order, and no more than a token contract can "
        f"hold, got {printable(str(cap))}."
    )
