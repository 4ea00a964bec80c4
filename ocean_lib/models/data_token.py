"""A data token: the asset's token, with which its services are ordered."""

from typing import TYPE_CHECKING, Any, Optional

from enforce_typing import enforce_types

from ocean_lib.checks import check_address, parse_json
from ocean_lib.models import _order_checks
from ocean_lib.models.amounts import Amount
from ocean_lib.models.erc20 import ERC20Token
from ocean_lib.ocean.util import to_base_18
from ocean_lib.web3_internal.constants import ZERO_ADDRESS
from ocean_lib.web3_internal.contract_base import AnyWallet
from ocean_lib.web3_internal.contract_utils import load_contract
from ocean_lib.web3_internal.node_calls import chain_errors

if TYPE_CHECKING:
    from web3 import Web3


@enforce_types
class DataToken(ERC20Token):
    """A data token: an ERC-20 token with minters and orders.

    Amounts named `value_base`, `amount`, `amount_base` or `cap` are whole numbers in the smallest
    unit (see `to_base_18`). Every write returns the transaction's hash as `0x` hex once it has
    succeeded, and raises what `ContractBase.send_transaction` raises.

    Args:
        address: where it is; None for an object that only searches orders of all data tokens.
        abi_path: folder of artifacts, with or without bytecode; None: this library's.
        web3: the chain; writes use the wallet's when it is None.
        gas_limit: the most gas for one transaction; None: whatever is needed.
        max_fee_wei: the most that the gas of one transaction may cost; see `ContractBase`.
    """

    CONTRACT_NAME = "DataTokenTemplate"
    DEFAULT_CAP = 1000.0
    DEFAULT_CAP_BASE = to_base_18(DEFAULT_CAP)

    made_in = ""
    """The hash of the transaction that made it, where this object was made with the token."""

    ORDER_STARTED_EVENT = "OrderStarted"
    ORDER_FINISHED_EVENT = "OrderFinished"

    def mint(self, account_address: str, value_base: int, from_wallet: AnyWallet) -> str:
        """Make new tokens.

        Args:
            account_address: who gets them.
            value_base: how many, in the smallest unit.
            from_wallet: the minter.
        """
        args = (check_address(account_address, name="account_address"), value_base)
        return self.send_transaction("mint", args, from_wallet)

    def mint_tokens(self, to_account: str, value: Amount, from_wallet: AnyWallet) -> str:
        """Make new tokens.

        Args:
            to_account: who gets them.
            value: how many tokens.
            from_wallet: the minter.
        """
        receiver = check_address(to_account, name="to_account")
        return self.mint(receiver, to_base_18(value), from_wallet)

    def transfer_tokens(self, to: str, value: Amount, from_wallet: AnyWallet) -> str:
        """Send tokens.

        Args:
            to: who receives them.
            value: how many tokens.
            from_wallet: whose they are.
        """
        return self.transfer(to, to_base_18(value), from_wallet)

    def approve_tokens(self, spender: str, value: Amount, from_wallet: AnyWallet) -> str:
        """Set how much another account may spend of this wallet's tokens.

        Args:
            spender: who may spend them.
            value: how many tokens.
            from_wallet: whose tokens.
        """
        return self.approve(spender, to_base_18(value), from_wallet)

    def startOrder(
        self,
        consumer: str,
        amount: int,
        serviceId: int,  # noqa: N803  (ocean.py's name)
        mrktFeeCollector: Optional[str],  # noqa: N803
        from_wallet: AnyWallet,
    ) -> str:
        """Order a service of the asset: the wallet's tokens go to the minter.

        Args:
            consumer: who may use the service.
            amount: the price, in the smallest unit.
            serviceId: the service's index in the DDO.
            mrktFeeCollector: gets the market's fee; None or the zero address: no such fee.
            from_wallet: pays.
        """
        collector = check_address(mrktFeeCollector or ZERO_ADDRESS)
        args = (check_address(consumer), amount, serviceId, collector)
        return self.send_transaction("startOrder", args, from_wallet)

    def finishOrder(
        self,
        orderTxId: str,  # noqa: N803  (ocean.py's name)
        consumer: str,
        amount: int,
        serviceId: int,  # noqa: N803
        from_wallet: AnyWallet,
    ) -> str:
        """Pay an order back, in part or in full.

        Args:
            orderTxId: the order's transaction.
            consumer: who gets the tokens.
            amount: how many, in the smallest unit.
            serviceId: the service's index in the DDO.
            from_wallet: pays.
        """
        args = (orderTxId, check_address(consumer), amount, serviceId)
        return self.send_transaction("finishOrder", args, from_wallet)

    def proposeMinter(self, new_minter: str, from_wallet: AnyWallet) -> str:
        """Propose another minter, who then calls `approveMinter`.

        Args:
            new_minter: the account.
            from_wallet: the minter.
        """
        return self.send_transaction("proposeMinter", (check_address(new_minter),), from_wallet)

    def approveMinter(self, from_wallet: AnyWallet) -> str:
        """Become the minter that was proposed.

        Args:
            from_wallet: the proposed minter.
        """
        return self.send_transaction("approveMinter", (), from_wallet)

    def blob(self) -> str:
        """Return the text kept with the data token."""
        return str(self._call("blob"))

    def cap(self) -> int:
        """Return the most tokens there can ever be, in the smallest unit."""
        return int(self._call("cap"))

    def minter(self) -> str:
        """Return the minter's address."""
        return str(self._call("minter"))

    def isMinter(self, address: str) -> bool:
        """Return whether an account is the minter.

        Args:
            address: the account.
        """
        return bool(self._call("isMinter", check_address(address)))

    def get_start_order_logs(
        self,
        web3: Optional["Web3"],
        consumer_address: Optional[str] = None,
        from_block: Any = 0,
        to_block: Any = "latest",
        from_all_tokens: bool = False,
    ) -> list[Any]:
        """Return `OrderStarted` logs, oldest first.

        Args:
            web3: the chain; None: this object's.
            consumer_address: only orders that this account consumes or has paid for (ocean.py
                compared the payer alone).
            from_block: the first block.
            to_block: the last block.
            from_all_tokens: of all data tokens rather than of this one.

        Raises:
            ChainError: the node refuses, for example because the range is too wide.
        """
        chain = web3 if web3 is not None else self.web3
        event = load_contract(chain, self.name, None, self._abi_path).events.OrderStarted()
        # Topics by place: the event, consumer, payer.
        topics: list[list[Any]] = [[self.get_event_signature(self.ORDER_STARTED_EVENT)]]
        if consumer_address:
            account = "0x" + check_address(consumer_address)[2:].lower().rjust(64, "0")
            topics = [topics[0] + [account], topics[0] + [None, account]]
        params: dict[str, Any] = {"fromBlock": from_block, "toBlock": to_block}
        if not from_all_tokens:
            params["address"] = self.address
        found = {}
        with chain_errors("read OrderStarted logs"):
            for wanted in topics:
                query: Any = {**params, "topics": wanted}
                for log in chain.eth.get_logs(query):
                    found[(log["blockNumber"], log["logIndex"])] = event.process_log(log)
        return [found[place] for place in sorted(found)]

    def verify_order_tx(
        self,
        web3: "Web3",
        tx_id: str,
        did: str,
        service_id: Any,
        amount_base: int,
        sender: str,
    ) -> tuple[Any, Any, Any]:
        """Check that a transaction is a given order, by this data token's own log.

        Args:
            web3: the chain.
            tx_id: the transaction.
            did: the asset, or its data token's address.
            service_id: the service's index.
            amount_base: the least amount, in the smallest unit.
            sender: who must be its consumer or payer.

        Returns:
            The transaction, its `OrderStarted` log, and its transfer to the minter.

        Raises:
            VerifyTxFailed: it is another order, no order, or reverted; the message says what was
                expected and what it has.
            InvalidInput: an argument cannot be what it should.
            TransactionTimeout: it is in no block in time.
        """
        return _order_checks.verify_order(self, web3, tx_id, did, service_id, amount_base, sender)

    def verify_transfer_tx(self, tx_id: str, sender: str, receiver: str) -> tuple[Any, Any]:
        """Check that a transaction sends tokens from one account to another.

        Args:
            tx_id: the transaction.
            sender: whose tokens.
            receiver: who gets them.

        Returns:
            The transaction, and its `Transfer` log.

        Raises:
            VerifyTxFailed: it sends none, sends them elsewhere, or was reverted.
            TransactionTimeout: it is in no block in time.
        """
        return _order_checks.verify_transfer(self, self.web3, tx_id, sender, receiver)

    def get_metadata_url(self) -> Optional[str]:
        """Return the metadata cache's URL in the blob, or None."""
        try:
            content = parse_json(self.blob())
        except ValueError:
            return None
        if not isinstance(content, dict) or content.get("t") != 1:
            return None
        url = content.get("url")
        return url if isinstance(url, str) else None
