"""The network's EVM chain: embedded in this process, or any JSON-RPC URL in its place."""

from __future__ import annotations

from ocean_lib.localnet.chain.client import (
    ChainClient,
    ChainUnreachableError,
    ChainUnusableError,
    EmbeddedChain,
    RemoteChain,
    RpcError,
)

__all__ = [
    "ChainClient",
    "ChainUnreachableError",
    "ChainUnusableError",
    "EmbeddedChain",
    "RemoteChain",
    "RpcError",
]
