"""Networks' names, and ocean.py's small helpers around signatures and keys."""

from __future__ import annotations

from collections import namedtuple
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ocean_lib.base.frames import forgets_locals
from ocean_lib.checks import check_address
from ocean_lib.exceptions import ConfigError, InvalidInput
from ocean_lib.web3_internal import _keys, artifacts
from ocean_lib.web3_internal.constants import DEFAULT_NETWORK_NAME, NETWORK_NAME_MAP
from ocean_lib.web3_internal.node_calls import chain_errors

if TYPE_CHECKING:
    from web3 import Web3

Signature = namedtuple("Signature", ("v", "r", "s"))


def get_network_name(network_id: int | None = None, web3: Web3 | None = None) -> str:
    """Return a network's name in lower case.

    Args:
        network_id: its id; None: asked from `web3`.
        web3: the chain.

    Returns:
        The name; `ganache` for every id without one, as in ocean.py.

    Raises:
        ConfigError: neither is given.
    """
    if network_id is None:
        network_id = get_network_id(web3)
    return NETWORK_NAME_MAP.get(network_id, DEFAULT_NETWORK_NAME).lower()


def get_network_id(web3: Web3 | None = None) -> int:
    """Return the chain id.

    Args:
        web3: the chain.

    Raises:
        ConfigError: no chain is given; ocean.py had a global one.
    """
    with chain_errors("ask for the chain id"):
        return int(_given(web3).eth.chain_id)


def check_chain_id(expected: int | None, found: int) -> None:
    """Refuse a node of another chain than the configured one.

    Args:
        expected: the configured id; None for any.
        found: what the node tells.

    Raises:
        ConfigError: they differ.
    """
    if expected is not None and found != expected:
        raise ConfigError(
            f"The chain's node is of chain {found}, and chain_id in the config (CHAIN_ID in the "
            f"environment) is {expected}. Nothing was sent. Check the network URL, or chain_id."
        )


def get_ether_balance(address: str, web3: Web3 | None = None) -> int:
    """Return an account's ether in wei.

    Args:
        address: the account.
        web3: the chain.

    Raises:
        InvalidAddress: it is no address.
        ConfigError: no chain is given; ocean.py had a global one.
    """
    where: Any = check_address(address)
    with chain_errors("ask for an ether balance"):
        return int(_given(web3).eth.get_balance(where))


def from_wei(wei_value: int) -> Decimal:
    """Return wei in ether, exactly.

    Args:
        wei_value: a whole number.

    Raises:
        InvalidInput: it is no whole number.
    """
    from ocean_lib.models.amounts import from_base

    return from_base(wei_value, 18)


@forgets_locals
def private_key_to_address(private_key: str) -> str:
    """Return the address of a private key.

    Args:
        private_key: 64 hex digits with or without `0x`.

    Raises:
        WalletError: it is no private key; it is not quoted.
    """
    return str(_keys.account_from_key(_keys.parse_key(private_key)).address)


@forgets_locals
def split_signature(web3: Any, signature: bytes) -> Signature:  # noqa: ARG001  (ocean.py's)
    """Return v, r and s of a signature.

    Args:
        web3: not used; ocean.py's parameter.
        signature: 65 bytes.

    Raises:
        InvalidInput: it has another length.
    """
    if len(signature) != 65:
        raise InvalidInput(f"A signature has 65 bytes, got {len(signature)}.")
    recovery = signature[-1]
    if recovery not in (27, 28):
        recovery = 27 + recovery % 2
    return Signature(recovery, bytes(signature[:32]), bytes(signature[32:64]))


@forgets_locals
def personal_ec_recover(message: str, signed_message: str) -> str:
    """Return the address whose key signed a text as an EIP-191 personal message.

    Args:
        message: the text.
        signed_message: the signature as `0x` hex.

    Raises:
        InvalidInput: it is no signature.
    """
    from eth_account import Account
    from eth_account.messages import encode_defunct

    try:
        signature = bytes.fromhex(signed_message.removeprefix("0x"))
    except ValueError:
        raise InvalidInput("A signature is 0x and 130 hex digits.") from None
    v, r, s = split_signature(None, signature)
    try:
        recovered = Account.recover_message(
            encode_defunct(text=message), signature=r + s + bytes([v])
        )
    except Exception as error:  # noqa: BLE001  (each key back end raises its own)
        raise InvalidInput(
            f"No address comes from this signature ({type(error).__name__})."
        ) from None
    return str(recovered)


def get_artifacts_path() -> str:
    """Return the folder of the contracts' artifacts: ABIs and addresses, no bytecode."""
    return str(artifacts.FOLDER)


def _given(web3: Web3 | None) -> Web3:
    if web3 is None:
        raise ConfigError("No chain to ask: give web3, for example ocean.web3.")
    return web3
