"""The fields every transaction needs before it can be signed: chain id, nonce, gas, fee."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ocean_lib.exceptions import ConfigError, InvalidInput
from ocean_lib.web3_internal.constants import ENV_GAS_PRICE, ENV_MAX_GAS_PRICE, MIN_GAS_PRICE

if TYPE_CHECKING:
    from web3 import Web3

_FEE_FIELDS = ("gasPrice", "maxFeePerGas", "maxPriorityFeePerGas")


def complete_transaction(
    web3: Web3 | None,
    tx: dict[str, Any],
    address: str,
    *,
    nonce: int | None = None,
    gas_price: int | None = None,
) -> dict[str, Any]:
    """Return a copy of the transaction that can be signed.

    Args:
        web3: asked for what is missing; None: nothing may be missing.
        tx: the fields that are known.
        address: the sender.
        nonce: wins over the transaction's and the chain's.
        gas_price: in wei; wins over the transaction's and the chain's.

    Raises:
        InvalidInput: a field is missing and `web3` is None, or `from` is another account.
        ConfigError: GAS_PRICE or MAX_GAS_PRICE in the environment is no whole number.
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
        _fill(web3, fields, address, missing)
    return fields


def next_gas_price(web3: Web3) -> int:
    """Return the gas price (wei) to offer: a tenth above the node's, within the set bounds.

    GAS_PRICE in the environment decides alone; MAX_GAS_PRICE caps the node's.

    Raises:
        ConfigError: one of the two is no whole number.
    """
    fixed = _environment_wei(ENV_GAS_PRICE)
    if fixed is not None:
        return fixed
    price = max(int(web3.eth.gas_price) * 11 // 10, MIN_GAS_PRICE)
    cap = _environment_wei(ENV_MAX_GAS_PRICE)
    return price if cap is None else min(price, cap)


def _missing(fields: dict[str, Any]) -> list[str]:
    missing = [name for name in ("chainId", "nonce", "gas") if fields.get(name) is None]
    if not any(fields.get(name) is not None for name in _FEE_FIELDS):
        missing.append("gasPrice")
    return missing


def _fill(web3: Any, fields: dict[str, Any], address: str, missing: list[str]) -> None:
    from ocean_lib.web3_internal._chain_errors import chain_errors

    with chain_errors("prepare a transaction"):
        if "chainId" in missing:
            fields["chainId"] = int(web3.eth.chain_id)
        if "nonce" in missing:
            fields["nonce"] = int(web3.eth.get_transaction_count(address, "pending"))
        if "gasPrice" in missing:
            fields["gasPrice"] = next_gas_price(web3)
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
