"""A whole Ocean V3 network in one process, for first jobs, tests and development.

An EVM chain with the real contracts, a metadata cache with Aquarius' REST API, a Provider with
its REST API, and a runner that really runs the algorithms. Install it with
`pip install "ocean-compute[localnet]"`. It binds loopback only, unless it is told to be exposed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ocean_lib.localnet.network import LocalNetwork, LocalNetworkError

__all__ = ["LocalNetwork", "LocalNetworkError"]


def __getattr__(name: str) -> object:
    # Loaded on demand: the chain and the web server are heavy imports.
    if name in __all__:
        from ocean_lib.localnet import network

        return getattr(network, name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted(__all__)
