"""The part of a data token that every ERC-20 token has."""

from decimal import Decimal

from enforce_typing import enforce_types

from ocean_lib.checks import check_address
from ocean_lib.ocean.util import from_base_18
from ocean_lib.web3_internal.contract_base import AnyWallet, ContractBase


@enforce_types
class ERC20Token(ContractBase):
    """Balances, transfers and allowances; see `ContractBase` for how it is made.

    `value_base` and other whole amounts are in the token's smallest unit. Every write returns the
    transaction's hash as `0x` hex once it has succeeded, and raises what
    `ContractBase.send_transaction` raises.
    """

    def totalSupply(self) -> int:
        """Return how many tokens there are, in the smallest unit."""
        return int(self._call("totalSupply"))

    def balanceOf(self, account: str) -> int:
        """Return an account's tokens, in the smallest unit.

        Args:
            account: its address.
        """
        return int(self._call("balanceOf", check_address(account)))

    def token_balance(self, account: str) -> Decimal:
        """Return an account's tokens.

        Args:
            account: its address.
        """
        return from_base_18(self.balanceOf(account))

    def datatoken_name(self) -> str:
        """Return the token's name."""
        return str(self._call("name"))

    def symbol(self) -> str:
        """Return the token's symbol."""
        return str(self._call("symbol"))

    def decimals(self) -> int:
        """Return the token's decimals: 18 for every data token."""
        return int(self._call("decimals"))

    def allowance(self, owner_address: str, spender_address: str) -> int:
        """Return how much one account may spend of another's tokens, in the smallest unit.

        Args:
            owner_address: whose tokens.
            spender_address: who may spend them.
        """
        args = (check_address(owner_address), check_address(spender_address))
        return int(self._call("allowance", *args))

    def transfer(self, to: str, value_base: int, from_wallet: AnyWallet) -> str:
        """Send tokens.

        Args:
            to: who receives them.
            value_base: how many, in the smallest unit.
            from_wallet: whose they are.
        """
        return self.send_transaction("transfer", (check_address(to), value_base), from_wallet)

    def transferFrom(
        self, from_address: str, to_address: str, value_base: int, from_wallet: AnyWallet
    ) -> str:
        """Send another account's tokens, within its allowance.

        Args:
            from_address: whose tokens.
            to_address: who receives them.
            value_base: how many, in the smallest unit.
            from_wallet: who has the allowance.
        """
        args = (check_address(from_address), check_address(to_address), value_base)
        return self.send_transaction("transferFrom", args, from_wallet)

    def approve(self, spender: str, value_base: int, from_wallet: AnyWallet) -> str:
        """Set how much another account may spend of this wallet's tokens.

        Args:
            spender: who may spend them.
            value_base: how much, in the smallest unit.
            from_wallet: whose tokens.
        """
        return self.send_transaction("approve", (check_address(spender), value_base), from_wallet)
