"""The fields every transaction needs before it can be signed: chain id, nonce, gas, fee."""

from __future__ import annotations

import os
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ocean_lib.exceptions import ConfigError, InvalidInput, TransactionFailed
from ocean_lib.models.amounts import ether_in_wei
from ocean_lib.web3_internal.constants import (
    ENV_GAS_PRICE,
    ENV_MAX_FEE,
    ENV_MAX_GAS_PRICE,
    MAX_FEE_ETHER,
    MIN_GAS_PRICE,
)

if TYPE_CHECKING:
    from web3 import Web3

_FEE_FIELDS = ("gasPrice", "maxFeePerGas", "maxPriorityFeePerGas")
_WEI_DIGITS = 18


def complete_transaction(
    web3: Web3 | None,
    tx: dict[str, Any],
    address: str,
    *,
    nonce: int | None = None,
    gas_price: int | None = None,
    tip: int = 0,
    max_fee_wei: int | None = None,
) -> dict[str, Any]:
    """Return a copy of the transaction that can be signed.

    What is filled in by the node's figures is bounded by a limit that is not the node's.

    Args:
        web3: asked for what is missing; None: nothing may be missing.
        tx: the fields that are known.
        address: the sender.
        nonce: wins over the transaction's and the chain's.
        gas_price: in wei; wins over the transaction's and the chain's.
        tip: wei per gas to add to the chain's gas price.
        max_fee_wei: the most that it may cost; None: the environment's or the default limit, for
            what the chain's figures fill in.

    Raises:
        InvalidInput: a field is missing and `web3` is None, or `from` is another account.
        TransactionFailed: its fee would be above the limit.
        ConfigError: GAS_PRICE, MAX_GAS_PRICE or MAX_TRANSACTION_FEE in the environment is no
            such number.
    """
    fields = dict(tx)
    sender = fields.pop("from", address)
    if str(sender).lower() != address.lower():
        raise InvalidInput(
            f"The transaction is from {sender}, but this wallet signs for {address}."
        )
    fields.setdefault("value", 0)
    if nonce is not None:
        fields["nonce"] = nonce
    if gas_price is not None:
        for name in _FEE_FIELDS:
            fields.pop(name, None)
        fields["gasPrice"] = gas_price
    missing = _missing(fields)
    if missing and web3 is None:
        raise InvalidInput(
            f"The transaction lacks {', '.join(missing)}, and this wallet has no web3 to ask. "
            "Give them, or make the wallet with Wallet(web3, ...)."
        )
    if missing:
        _fill(web3, fields, address, missing, tip)
    if max_fee_wei is not None or {"gas", "gasPrice"} & set(missing):
        _check_fee(fields, environment_max_fee() if max_fee_wei is None else max_fee_wei)
    return fields


def price_of(fields: dict[str, Any]) -> int:
    """Return the most that a transaction pays for one gas, in wei.

    Args:
        fields: the transaction's.

    Raises:
        InvalidInput: it is no whole number.
    """
    return max(_whole(fields, name) for name in _FEE_FIELDS)


def environment_max_fee() -> int:
    """Return the most that one transaction may cost where no config says it, in wei.

    Raises:
        ConfigError: MAX_TRANSACTION_FEE in the environment is no amount of ether.
    """
    try:
        return ether_in_wei(os.environ.get(ENV_MAX_FEE) or MAX_FEE_ETHER)
    except ConfigError as error:
        expected = str(error)
    raise ConfigError(f"The environment variable {ENV_MAX_FEE} must be {expected}.")


def _check_fee(fields: dict[str, Any], max_fee_wei: int) -> None:
    gas, price = _whole(fields, "gas"), price_of(fields)
    if gas * price > max_fee_wei:
        raise TransactionFailed(
            f"The transaction could cost {_ether(gas * price)} ether in fees ({gas} gas at {price} "
            f"wei each), and the limit is {_ether(max_fee_wei)} ether. Nothing was sent. Wait "
            "until gas is cheaper, ask another node, or raise transaction.max_fee in the config "
            f"({ENV_MAX_FEE} in the environment)."
        )


def _whole(fields: dict[str, Any], name: str) -> int:
    value = fields.get(name)
    try:
        return int(value, 0) if isinstance(value, str) else int(value or 0)
    except (TypeError, ValueError):
        raise InvalidInput(f"{name} of a transaction must be a whole number.") from None


def _ether(wei: int) -> str:
    return f"{Decimal(wei).scaleb(-_WEI_DIGITS):f}".rstrip("0").rstrip(".")


def next_gas_price(web3: Web3, tip: int = 0) -> int:
    """Return the gas price (wei) to offer: a tenth above the node's, within the set bounds.

    GAS_PRICE in the environment decides alone; MAX_GAS_PRICE caps the node's.

    Args:
        web3: the chain.
        tip: to add to the node's.

    Raises:
        ConfigError: one of the two is no whole number.
    """
    fixed = _environment_wei(ENV_GAS_PRICE)
    if fixed is not None:
        return fixed
    price = max(int(web3.eth.gas_price) * 11 // 10, MIN_GAS_PRICE) + tip
    cap = _environment_wei(ENV_MAX_GAS_PRICE)
    return price if cap is None else min(price, cap)


def _missing(fields: dict[str, Any]) -> list[str]:
    missing = [name for name in ("chainId", "nonce", "gas") if fields.get(name) is None]
    if not any(fields.get(name) is not None for name in _FEE_FIELDS):
        missing.append("gasPrice")
    return missing


def _fill(web3: Any, fields: dict[str, Any], address: str, missing: list[str], tip: int) -> None:
    from ocean_lib.web3_internal._chain_errors import chain_errors

    with chain_errors("prepare a transaction"):
        if "chainId" in missing:
            fields["chainId"] = int(web3.eth.chain_id)
        if "nonce" in missing:
            fields["nonce"] = int(web3.eth.get_transaction_count(address, "pending"))
        if "gasPrice" in missing:
            fields["gasPrice"] = next_gas_price(web3, tip)
        if "gas" in missing:
            call = {k: v for k, v in fields.items() if k in ("to", "value", "data")}
            fields["gas"] = int(web3.eth.estimate_gas({**call, "from": address}))


def _environment_wei(name: str) -> int | None:
    value = os.environ.get(name)
    if not value:
        return None
    if not (value.isascii() and value.isdigit()):
        raise ConfigError(f"The environment variable {name} must be a whole number of wei.")
    return int(value)
