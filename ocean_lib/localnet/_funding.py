"""Give the network's accounts ether on a chain that is not its own."""

from __future__ import annotations

import time

from ocean_lib.localnet.chain import ChainClient

_DEADLINE_S = 60.0


class CannotFund(Exception):
    """There is nobody to get ether from."""


def fund(chain: ChainClient, addresses: list[str], wei: int) -> None:
    """Send ether from a development node's own first account to those that have little.

    Args:
        chain: The chain.
        addresses: Who needs ether.
        wei: How much each gets.

    Raises:
        CannotFund: If the node has no account of its own, or does not mine.
        RpcError: If it refuses.
    """
    poor = [
        address
        for address in addresses
        if int(chain.call("eth_getBalance", address, "latest"), 16) < wei // 1000
    ]
    if not poor:
        return
    rich = chain.call("eth_accounts")
    if not rich:
        raise CannotFund(
            "the chain has no account of its own to fund the network from: send ether to "
            f"{', '.join(poor)} and start again with the same state_dir or seed"
        )
    sent = [
        chain.call("eth_sendTransaction", {"from": rich[0], "to": address, "value": hex(wei)})
        for address in poor
    ]
    deadline = time.monotonic() + _DEADLINE_S
    while any(chain.call("eth_getTransactionReceipt", tx) is None for tx in sent):
        if time.monotonic() > deadline:
            raise CannotFund(f"the chain did not mine a transfer within {_DEADLINE_S:.0f} seconds")
        time.sleep(0.05)
