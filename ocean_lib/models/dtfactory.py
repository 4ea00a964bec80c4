"""The contract that makes data tokens."""

from typing import Any

from enforce_typing import enforce_types

from ocean_lib.checks import check_address
from ocean_lib.exceptions import VerifyTxFailed
from ocean_lib.web3_internal.contract_base import AnyWallet, ContractBase
from ocean_lib.web3_internal.transactions import wait_for_receipt


@enforce_types
class DTFactory(ContractBase):
    """The data token factory; see `ContractBase` for how it is made."""

    CONTRACT_NAME = "DTFactory"

    def verify_data_token(self, dt_address: str) -> bool:
        """Return whether this factory made a data token.

        Args:
            dt_address: the data token.

        Raises:
            InvalidAddress: it is no address.
        """
        return self.get_token_registered_event(0, "latest", dt_address) is not None

    def get_token_registered_event(self, from_block: Any, to_block: Any, token_address: str) -> Any:
        """Return the log of a data token's making, or None.

        Args:
            from_block: the first block to look at.
            to_block: the last block to look at.
            token_address: the data token.

        Raises:
            InvalidAddress: it is no address.
        """
        wanted = {"tokenAddress": check_address(token_address)}
        logs = self.get_event_logs("TokenRegistered", wanted, from_block, to_block)
        return logs[0] if logs else None

    def get_token_address(self, transaction_id: str) -> str:
        """Return the address of the data token that a `createToken` made.

        Args:
            transaction_id: the transaction's hash.

        Raises:
            VerifyTxFailed: the transaction made none; ocean.py returned "".
            TransactionTimeout: it is in no block yet.
        """
        receipt = wait_for_receipt(self.web3, transaction_id, operation="find a new data token")
        logs = self._logs_in_receipt(self.web3, receipt, "TokenRegistered")
        if len(logs) != 1:
            raise VerifyTxFailed(
                f"Transaction {transaction_id} should have made one data token at {self}, but it "
                f"made {len(logs)}. Check the hash and the factory's address."
            )
        return check_address(logs[0]["args"]["tokenAddress"])

    def createToken(
        self, blob: str, name: str, symbol: str, cap: int, from_wallet: AnyWallet
    ) -> str:
        """Make a data token, and wait until it is there.

        Args:
            blob: any text to keep with it.
            name: its name.
            symbol: its symbol.
            cap: the most tokens ever, in the smallest unit.
            from_wallet: pays, and becomes its minter.

        Returns:
            The transaction's hash as `0x` hex; give it to `get_token_address`.

        Raises:
            ChainError: it was not made (see `ContractBase.send_transaction`).
        """
        return self.send_transaction("createToken", (blob, name, symbol, cap), from_wallet)
