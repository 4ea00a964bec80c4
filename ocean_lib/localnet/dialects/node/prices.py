"""Where a datatoken can be had, and for how much: dispensers and fixed rates."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from eth_utils.address import to_checksum_address

from ocean_lib.localnet.chain import ChainClient, RpcError
from ocean_lib.localnet.dialects.node.contract_calls import Event, read, topic

_DISPENSED = tuple(
    topic(one)
    for one in (
        "DispenserCreated(address,address,uint256,uint256,address)",
        "DispenserActivated(address)",
        "DispenserDeactivated(address)",
    )
)
_EXCHANGED = tuple(
    topic(one)
    for one in (
        "ExchangeCreated(bytes32,address,address,address,uint256)",
        "ExchangeActivated(bytes32,address)",
        "ExchangeDeactivated(bytes32,address)",
        "ExchangeRateChanged(bytes32,address,uint256)",
    )
)
PRICE_CHANGED = (*_DISPENSED, *_EXCHANGED)
"""The events after which a datatoken's prices are read anew."""
_EXCHANGE = (
    "address,address,uint256,address,uint256,uint256,bool,uint256,uint256,uint256,uint256,bool"
)
_DECIMALS = 10**18


def datatoken_of(chain: ChainClient, event: Event) -> str:
    """Return whose price an event changed; checksummed."""
    if event.topics[0] in _DISPENSED:
        return event.address(1)
    exchange = bytes.fromhex(event.topics[1].removeprefix("0x"))
    found = read(chain, event.contract, "getExchange(bytes32)", _EXCHANGE, exchange)
    return str(to_checksum_address(found[1]))


def prices_of(chain: ChainClient, token: str) -> list[dict[str, Any]] | None:
    """Return a datatoken's active prices; None if it has no dispenser and no fixed rate at all."""
    try:
        (dispensers,) = read(chain, token, "getDispensers()", "address[]")
        (rates,) = read(chain, token, "getFixedRates()", "(address,bytes32)[]")
    except RpcError:
        return None
    if not dispensers and not rates:
        return None
    found = [_dispensed(chain, str(to_checksum_address(one)), token) for one in dispensers]
    found += [_exchanged(chain, str(to_checksum_address(one)), number) for one, number in rates]
    return [price for price in found if price is not None]


def stats_of(token: dict[str, Any], prices: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """Build what is counted of a datatoken: one entry, or one for each of its active prices."""
    names = {name: token[name] for name in ("name", "symbol", "serviceId")}
    entry = {"datatokenAddress": token["address"], **names, "orders": 0, "prices": prices or []}
    return [dict(entry) for _ in ([None] if prices is None else prices)]


def _dispensed(chain: ChainClient, contract: str, token: str) -> dict[str, Any] | None:
    try:
        (is_active,) = read(chain, contract, "status(address)", "bool", token)
    except RpcError:
        return None
    if not is_active:
        return None
    return {"type": "dispenser", "price": "0", "contract": contract, "token": token}


def _exchanged(chain: ChainClient, contract: str, number: bytes) -> dict[str, Any] | None:
    try:
        found = read(chain, contract, "getExchange(bytes32)", _EXCHANGE, number)
    except RpcError:
        return None
    if not found[6]:
        return None
    price = Decimal(found[5]) / _DECIMALS
    text = format(price.normalize(), "f")
    return {
        "type": "fixedrate",
        "price": text if "." in text else f"{text}.0",
        "token": str(to_checksum_address(found[3])),
        "contract": contract,
        "exchangeId": "0x" + number.hex(),
    }
