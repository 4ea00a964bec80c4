"""Orders on the chain: is this transaction one for this service, and are its fees this node's?"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from eth_abi.exceptions import DecodingError

from ocean_lib.localnet import safe_json
from ocean_lib.localnet.chain import ChainClient, RpcError
from ocean_lib.localnet.dialects.node.contract_calls import (
    Event,
    block_time,
    events_in,
    read,
    receipt_of,
    topic,
)

ORDER_STARTED = topic("OrderStarted(address,address,uint256,uint256,uint256,address,uint256)")
ORDER_REUSED = topic("OrderReused(bytes32,address,uint256,uint256)")
_PROVIDER_FEE = topic("ProviderFee(address,address,uint256,bytes,uint8,bytes32,bytes32,uint256)")


@dataclass(frozen=True)
class OrderedService:
    """What an order has to be for.

    Attributes:
        nft: The asset's NFT.
        datatoken: The service's datatoken.
        index: The service's place in its document.
        service_id: The service's id.
        timeout_s: How long an order is good for; 0 for ever.
    """

    nft: str
    datatoken: str
    index: int
    service_id: str
    timeout_s: int

    @classmethod
    def of(cls, ddo: dict[str, Any], service: dict[str, Any]) -> OrderedService:
        """Read it from an asset's document."""
        return cls(
            nft=str(ddo["nftAddress"]),
            datatoken=str(service.get("datatokenAddress")),
            index=ddo["services"].index(service),
            service_id=str(service["id"]),
            timeout_s=int(service.get("timeout") or 0),
        )


def is_ordered(chain: ChainClient, transaction: object, wanted: OrderedService, who: str) -> bool:
    """Tell whether a transaction is a good order, by or for somebody.

    A reused order counts from its first one; so does its age.

    Args:
        chain: Where it is.
        transaction: Its hash.
        wanted: What it has to be for.
        who: The order's consumer or its payer: the address of the environment.
    """
    receipt = receipt_of(chain, transaction)
    try:
        if receipt is None or not _is_for(chain, receipt.get("to"), wanted):
            return False
        for reused in events_in(receipt, ORDER_REUSED)[:1]:
            first, *_ = reused.values("bytes32,address,uint256,uint256")
            receipt = receipt_of(chain, "0x" + first.hex())
            if receipt is None:
                return False
        found = [one for one in events_in(receipt, ORDER_STARTED) if _is_by(one, who)]
        if not found or _index(found[0]) != wanted.index:
            return False
    except (RpcError, DecodingError):
        return False
    age = time.time() - block_time(chain, found[0].block)
    return wanted.timeout_s == 0 or int(age) <= wanted.timeout_s


def has_fees(chain: ChainClient, transaction: object, wanted: OrderedService, node: str) -> bool:
    """Tell whether an order's transaction has fees of this node's for the service, still valid."""
    receipt = receipt_of(chain, transaction)
    if receipt is None:
        return False
    age = time.time() - block_time(chain, int(receipt["blockNumber"], 16))
    for event in events_in(receipt, _PROVIDER_FEE):
        _, data, *_, valid_s = event.values("uint256,bytes,uint8,bytes32,bytes32,uint256")
        try:
            named = safe_json.loads(data)
        except ValueError:
            continue
        is_ours = event.address(1).lower() == node.lower() and isinstance(named, dict)
        if is_ours and _is_named(named, wanted) and (valid_s == 0 or int(age) <= valid_s):
            return True
    return False


def _is_named(named: dict[str, Any], wanted: OrderedService) -> bool:
    is_token = str(named.get("dt")).lower() == wanted.datatoken.lower()
    return is_token and named.get("id") == wanted.service_id


def _is_for(chain: ChainClient, token: object, wanted: OrderedService) -> bool:
    if not isinstance(token, str) or token.lower() != wanted.datatoken.lower():
        return False
    (nft,) = read(chain, token, "getERC721Address()", "address")
    (is_deployed,) = read(chain, wanted.nft, "isDeployed(address)", "bool", token)
    return bool(is_deployed) and nft.lower() == wanted.nft.lower()


def _is_by(event: Event, who: str) -> bool:
    payer, *_ = event.values("address,uint256,uint256,uint256,uint256")
    return who.lower() in (event.address(1).lower(), payer.lower())


def _index(event: Event) -> int:
    index: int = event.values("address,uint256,uint256,uint256,uint256")[2]
    return index
