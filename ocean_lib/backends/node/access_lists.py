"""Access lists: contracts whose members may use an asset, or an environment."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ocean_lib.backends.node.abis import FOLDER
from ocean_lib.backends.node.trust import Known
from ocean_lib.exceptions import OceanError
from ocean_lib.models.chain_access import ChainAccess
from ocean_lib.web3_internal.contract_base import ContractBase


class AccessList(ContractBase):
    """One list; a member has at least one of its tokens."""

    CONTRACT_NAME = "AccessList"
    ABI_PATH = str(FOLDER)

    def has(self, account: str) -> bool:
        """Tell whether an account is a member."""
        return int(self._call("balanceOf", account)) > 0


def is_member(config: Any, account: str, address: str) -> Known:
    """Tell whether an account is on the access list at an address of the configured chain.

    Without a chain, or where it does not answer, that is not known.
    """
    if config.network_url:
        with suppress(OceanError):
            return ChainAccess(config).contract(AccessList, address).has(account)
    return None
