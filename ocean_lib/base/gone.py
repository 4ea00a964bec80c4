"""What ocean.py 0.5.25 had and this library has not, on purpose, with what to use in its place."""

from __future__ import annotations

from typing import NoReturn

_MARKETS = (
    "Pools, exchanges and dispensers are left out: compute-to-data needs datatokens, wherever they "
    "come from. Get them from the publisher or on a market, then use ocean.assets.buy"
)
_DOCUMENT = "Use the dicts of the document, ddo.as_dictionary()"

MODULES = {
    "ocean_lib.assets.asset_downloader": "Use ocean.assets.download",
    "ocean_lib.common.ddo.constants": _DOCUMENT,
    "ocean_lib.common.ddo.public_key_base": _DOCUMENT,
    "ocean_lib.common.ddo.public_key_rsa": _DOCUMENT,
    "ocean_lib.models.balancer_constants": _MARKETS,
    "ocean_lib.models.bfactory": _MARKETS,
    "ocean_lib.models.bpool": _MARKETS,
    "ocean_lib.models.btoken": _MARKETS,
    "ocean_lib.models.dispenser": _MARKETS,
    "ocean_lib.models.fixed_rate_exchange": _MARKETS,
    "ocean_lib.ocean.mint_fake_ocean": "On the embedded network every account is funded",
    "ocean_lib.ocean.ocean_exchange": _MARKETS,
    "ocean_lib.ocean.ocean_pool": _MARKETS,
    "ocean_lib.ocean.ocean_services": (
        "Use ocean_lib.common.agreements.service_factory.ServiceDescriptor"
    ),
    "ocean_lib.web3_internal.account": "Use ocean_lib.web3_internal.wallet.Wallet",
    "ocean_lib.web3_internal.event_filter": "Use get_event_logs of the contract's object",
    "ocean_lib.web3_internal.event_listener": "Use get_event_logs of the contract's object",
    "ocean_lib.web3_internal.web3_overrides": (
        "Use web3's own classes, and ocean_lib.ocean.util.get_web3_connection_provider"
    ),
}
"""Modules, each with what to use."""


_FEES = "amount // 1000: the community's fee, and the most that a market may take"
_FUNCTIONS = "token.contract.functions, web3's contract object"

ATTRIBUTES: dict[str, dict[str, str]] = {
    "Ocean": {
        "OCEAN_address": 'get_contracts_addresses(file, network)["Ocean"] of ocean_lib.ocean.util',
        "pool": f"nothing. {_MARKETS}",
        "exchange": f"nothing. {_MARKETS}",
        "services": "ServiceDescriptor of ocean_lib.common.agreements.service_factory",
    },
    "ContractBase": {
        "configured_address": "get_contracts_addresses(file, network) of ocean_lib.ocean.util",
        "contract_name": "name",
        "deploy": "nothing: the embedded network has the contracts",
        "getLogs": "get_event_logs(event_name)",
        "get_event_argument_names": "contract.abi",
        "subscribe_to_event": "get_event_logs(event_name)",
        "to_checksum_address": "Web3.to_checksum_address(address)",
        "w3": "web3",
    },
    "DataToken": {
        "OPF_FEE_PERCENTAGE": _FEES,
        "MAX_MARKET_FEE_PERCENTAGE": _FEES,
        "calculateFee": _FUNCTIONS,
        "calculate_balances": 'get_event_logs("Transfer")',
        "calculate_fee": _FEES,
        "calculate_max_fee": _FEES,
        "calculate_token_holders": 'get_event_logs("Transfer")',
        "decreaseAllowance": "approve",
        "download": "ocean.assets.download",
        "get_all_transfers_from_events": 'get_event_logs("Transfer")',
        "get_max_fee_percentage": _FEES,
        "get_simple_url": "blob()",
        "get_transfer_event": 'get_event_logs("Transfer")',
        "get_transfer_events_in_range": 'get_event_logs("Transfer")',
        "increaseAllowance": "approve",
        "initialize": _FUNCTIONS,
        "isInitialized": _FUNCTIONS,
    },
    "DTFactory": {"get_token_minter": "DataToken(token).minter()"},
    "MetadataContract": {"verify_tx": "is_tx_successful(tx)"},
}
"""Attributes by their classes, each with what to use."""


def check_module(name: str) -> None:
    """Refuse a module that is left out, and say what to use.

    Raises:
        ImportError: it is.
    """
    if name in MODULES:
        raise ImportError(
            f"{name} of ocean.py 0.5.25 is not part of ocean-compute. {MODULES[name]} "
            "(MIGRATING.md).",
            name=name,
        )


def no_attribute(thing: object, name: str) -> NoReturn:
    """Raise the AttributeError for an attribute, with what to use if ocean.py had it.

    Args:
        thing: what was asked for it.
        name: the attribute.
    """
    what = f"{type(thing).__name__!r} object has no attribute {name!r}"
    for kind in type(thing).__mro__:
        use = ATTRIBUTES.get(kind.__name__, {}).get(name)
        if use:
            what += f", which ocean.py 0.5.25 had. In its place: {use} (MIGRATING.md)"
            break
    raise AttributeError(f"{what}.", name=name, obj=thing)
