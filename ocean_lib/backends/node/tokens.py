"""The tokens that orders, exchanges and the escrow take, and letting a contract take them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

from ocean_lib.backends.node.abis import FOLDER
from ocean_lib.base.turns import Turns
from ocean_lib.checks import check_address
from ocean_lib.exceptions import InsufficientBalance
from ocean_lib.models.amounts import Amount, from_base, to_base
from ocean_lib.models.erc20 import ERC20Token
from ocean_lib.web3_internal.contract_base import AnyWallet
from ocean_lib.web3_internal.signer import signer_address

if TYPE_CHECKING:
    from web3 import Web3

_TURNS = Turns()
"""Of each payer: what one thread is allowed to take, another does not take away."""


class Token(ERC20Token):
    """A token with decimals of its own."""

    CONTRACT_NAME = "ERC20"
    ABI_PATH = str(FOLDER)

    def in_base(self, amount: Amount) -> int:
        """Return an amount of whole tokens in the smallest unit; asks for the decimals.

        Raises:
            InvalidInput: it is not an amount, or has more decimals than the token.
        """
        return to_base(amount, self.decimals())

    def whole(self, amount_base: int) -> Decimal:
        """Return an amount in whole tokens; asks for the decimals."""
        return from_base(amount_base, self.decimals())

    def shown(self, amount_base: int) -> str:
        """Return an amount in whole tokens as text, never with an exponent."""
        return f"{self.whole(amount_base):f}"

    def token_balance(self, account: str) -> Decimal:
        """Return an account's tokens."""
        return self.whole(self.balanceOf(account))


@contextmanager
def allowing(
    wallet: AnyWallet, spender: str, amounts: Mapping[str, int], web3: Web3, **limits: object
) -> Iterator[None]:
    """Let a contract take tokens of a wallet inside the block: what was allowed before counts.

    Args:
        wallet: whose tokens.
        spender: the contract's address.
        amounts: in the smallest unit, by the token's address.
        web3: the chain.
        limits: of the transactions that allow it, as in `ContractBase`.

    Raises:
        InsufficientBalance: the wallet has fewer tokens; nothing was sent.
        ChainError: it could not be allowed.
    """
    payer = signer_address(wallet)
    wanted = {check_address(token): base for token, base in amounts.items() if base}
    turn = _TURNS.of(payer)
    with turn.held:
        tokens = {at: Token(at, web3=web3, **limits) for at in wanted}  # type: ignore[arg-type]
        for at, token in tokens.items():
            _check_balance(token, payer, wanted[at])
        for at, token in tokens.items():
            if token.allowance(payer, spender) < wanted[at]:
                token.approve(spender, wanted[at], wallet)
        yield


def _check_balance(token: Token, payer: str, needed_base: int) -> None:
    has_base = token.balanceOf(payer)
    if has_base < needed_base:
        raise InsufficientBalance(
            f"{payer} has {token.shown(has_base)} of token {token.address} and needs "
            f"{token.shown(needed_base)}. Nothing was sent. Get more of it first."
        )
