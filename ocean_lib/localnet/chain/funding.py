"""Give the network's accounts ether on a chain that is not its own."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ocean_lib.localnet.chain import ChainClient

_ETHER = 10**18
_ENOUGH_WEI = _ETHER  # who has that is left alone
_FEE_WEI = _ETHER // 100  # for one transfer: far more than one costs on a development node
_DEADLINE_S = 60.0


class CannotFund(Exception):
    """There is nobody to get ether from, or nobody who has enough."""


@dataclass(frozen=True)
class _Transfer:
    sender: str
    to: str
    wei: int


def fund(chain: ChainClient, addresses: list[str], wei: int) -> None:
    """Fill up those that have less than 1 ether, from a development node's own accounts.

    Nothing is sent unless there is enough for all.

    Args:
        chain: The chain.
        addresses: Who needs ether.
        wei: How much each has afterwards.

    Raises:
        CannotFund: If the node has no account of its own, its accounts have too little, or it
            does not mine.
        RpcError: If it refuses.
    """
    balances = {address: _balance(chain, address) for address in addresses}
    missing = {who: wei - has for who, has in balances.items() if has < _ENOUGH_WEI}
    if not missing:
        return
    own = {address: _balance(chain, address) for address in chain.call("eth_accounts")}
    sent = [
        chain.call("eth_sendTransaction", {"from": one.sender, "to": one.to, "value": hex(one.wei)})
        for one in _transfers(own, missing)
    ]
    _wait(chain, sent)


def _transfers(own: dict[str, int], missing: dict[str, int]) -> list[_Transfer]:
    """Choose who pays: always the account that has most left."""
    if not own:
        raise CannotFund(
            f"the chain has no account of its own to fund the network from: {_otherwise(missing)}"
        )
    left = dict(own)
    transfers = []
    for address, wei in missing.items():
        sender = max(left, key=left.__getitem__)
        if left[sender] < wei + _FEE_WEI:
            raise CannotFund(_too_poor(own, missing))
        left[sender] -= wei + _FEE_WEI
        transfers.append(_Transfer(sender, address, wei))
    return transfers


def _too_poor(own: dict[str, int], missing: dict[str, int]) -> str:
    rich = max(own, key=own.__getitem__)
    needed = sum(missing.values()) + len(missing) * _FEE_WEI
    others = f", all {len(own)} together {_ether(sum(own.values()))}" if len(own) > 1 else ""
    return (
        f"the chain's own accounts are too poor to fund the network: {_ether(needed)} is needed, "
        f"up to {_ether(max(missing.values()))} for each of {len(missing)} addresses, each from "
        f"one account. The richest, {rich}, has {_ether(own[rich])}{others}. Give it more (anvil: "
        f"--balance), ask for a smaller account_count, or {_otherwise(missing)}"
    )


def _otherwise(missing: dict[str, int]) -> str:
    return (
        f"send ether to {', '.join(missing)}, at least {_ether(_ENOUGH_WEI)} each, and start "
        "again with the same state_dir or seed"
    )


def _ether(wei: int) -> str:
    whole, rest = divmod(wei, _ETHER)
    return f"{whole}.{rest // 10**14:04d}".rstrip("0").rstrip(".") + " ether"


def _balance(chain: ChainClient, address: str) -> int:
    return int(chain.call("eth_getBalance", address, "latest"), 16)


def _wait(chain: ChainClient, transactions: list[str]) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while any(chain.call("eth_getTransactionReceipt", tx) is None for tx in transactions):
        if time.monotonic() > deadline:
            raise CannotFund(f"the chain did not mine a transfer within {_DEADLINE_S:.0f} seconds")
        time.sleep(0.05)
