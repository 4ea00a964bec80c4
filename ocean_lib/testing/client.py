"""The doorway to the client: hands out its objects, and nothing of it is used here.

The network never imports the client. These functions do, when a user asks for a client object,
so that a first job takes three lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ocean_lib.config import Config as Config
    from ocean_lib.ocean.ocean import Ocean as Ocean
    from ocean_lib.web3_internal.wallet import Wallet as Wallet


def client_config(options: dict[str, dict[str, Any]]) -> Config:
    """Make the client's configuration from plain options."""
    from ocean_lib.config import Config

    return Config(options_dict=options)


def client_ocean(options: dict[str, dict[str, Any]]) -> Ocean:
    """Make a client from plain options."""
    from ocean_lib.ocean.ocean import Ocean

    return Ocean(client_config(options))


def client_wallet(rpc_url: str | None, private_key: str) -> Wallet:
    """Make a client's wallet that talks to the chain at `rpc_url`; None for one that only signs."""
    from ocean_lib.ocean.util import get_web3
    from ocean_lib.web3_internal.wallet import Wallet

    web3 = None if rpc_url is None else get_web3(rpc_url)
    return Wallet(web3, private_key=private_key)
