"""The contract objects on a real chain with the real V3 contracts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from eth_account import Account

from ocean_lib.exceptions import (
    ChainError,
    ContractNotFound,
    InvalidInput,
    TransactionFailed,
    TransactionTimeout,
    VerifyTxFailed,
)
from ocean_lib.localnet import LocalNetwork
from ocean_lib.models._order_checks import fee_base
from ocean_lib.models.data_token import DataToken
from ocean_lib.ocean.ocean import Ocean
from ocean_lib.ocean.util import to_base_18
from ocean_lib.web3_internal.transactions import cancel_or_replace_transaction, send_ether
from ocean_lib.web3_internal.utils import get_ether_balance, get_network_id
from ocean_lib.web3_internal.wallet import Wallet

ONE = 10**18


@pytest.fixture
def token(ocean: Ocean, publisher_wallet: Wallet) -> DataToken:
    return ocean.create_data_token("Name", "SYM", publisher_wallet, blob="blob")


def test_a_new_data_token_is_as_it_was_asked_for(ocean, token, publisher_wallet):
    assert (token.datatoken_name(), token.symbol(), token.blob()) == ("Name", "SYM", "blob")
    assert (token.decimals(), token.cap(), token.totalSupply()) == (18, 1000 * ONE, 0)
    assert token.minter() == publisher_wallet.address
    assert token.isMinter(publisher_wallet.address)
    assert token.contract.functions.calculateFee(ONE, ONE // 1000).call() == fee_base(ONE, 0.001)
    assert ocean.get_data_token(token.address.lower()).symbol() == "SYM"


def test_the_factory_knows_its_own(ocean, token, publisher_wallet):
    factory = ocean.get_dtfactory()

    assert factory.verify_data_token(token.address)
    assert not factory.verify_data_token(publisher_wallet.address)
    with pytest.raises(VerifyTxFailed, match="made 0"):
        factory.get_token_address(token.mint(publisher_wallet.address, 1, publisher_wallet))


def test_tokens_are_minted_and_moved_exactly(token, publisher_wallet, consumer_wallet):
    publisher, consumer = publisher_wallet.address, consumer_wallet.address
    token.mint_tokens(consumer, "1.000000000000000001", publisher_wallet)
    token.transfer(publisher, 1, consumer_wallet)
    token.transfer(publisher, to_base_18(0.1), consumer_wallet)
    token.approve(publisher, 7, consumer_wallet)
    token.transferFrom(consumer, publisher, 6, publisher_wallet)

    assert token.balanceOf(consumer) == 9 * ONE // 10 - 6
    assert token.token_balance(publisher) == Decimal("0.100000000000000007")
    assert token.allowance(consumer, publisher) == 1
    assert token.totalSupply() == ONE + 1


def test_a_write_returns_the_hash_after_its_receipt(ocean, token, publisher_wallet):
    tx_hash = token.mint(publisher_wallet.address, 1, publisher_wallet)

    transaction = ocean.web3.eth.get_transaction(tx_hash)
    assert tx_hash == "0x" + bytes(transaction["hash"]).hex()
    assert transaction["chainId"] == get_network_id(ocean.web3) == 8996
    assert transaction["gas"] < ocean.config.gas_limit
    assert token.is_tx_successful(tx_hash)


def test_the_minter_is_handed_over_in_two_steps(token, publisher_wallet, consumer_wallet):
    token.proposeMinter(consumer_wallet.address, publisher_wallet)
    assert token.minter() == publisher_wallet.address

    token.approveMinter(consumer_wallet)

    assert token.minter() == consumer_wallet.address


def test_what_the_contract_refuses_is_not_sent(ocean, token, consumer_wallet):
    before = ocean.web3.eth.get_transaction_count(consumer_wallet.address)

    with pytest.raises(TransactionFailed, match="invalid minter"):
        token.mint(consumer_wallet.address, 1, consumer_wallet)

    assert ocean.web3.eth.get_transaction_count(consumer_wallet.address) == before


def test_a_revert_on_chain_has_hash_and_reason(token, consumer_wallet):
    # A given gas leaves the estimate out, and with it the refusal before sending.
    args = (consumer_wallet.address, 1)

    with pytest.raises(TransactionFailed, match=r"reverted on chain.*invalid minter") as caught:
        token.send_transaction("mint", args, consumer_wallet, {"gas": 200_000})

    assert not token.is_tx_successful(caught.value.tx_hash)


def test_the_configured_gas_limit_holds(network: LocalNetwork, publisher_wallet):
    options = network.options
    options["eth-network"]["gas_limit"] = 100_000

    with pytest.raises(TransactionFailed, match="the limit is 100000"):
        Ocean(options).create_data_token("n", "s", publisher_wallet)


def test_what_is_no_contract_is_found_out(ocean, publisher_wallet, consumer_wallet):
    nobody = ocean.get_data_token(consumer_wallet.address)

    with pytest.raises(ContractNotFound, match="no such contract"):
        nobody.symbol()
    with pytest.raises(ContractNotFound, match="Nothing was sent"):
        nobody.mint(consumer_wallet.address, 1, publisher_wallet)


@pytest.mark.parametrize("value", ["1", -1, 1.5, 2**256, None])
def test_arguments_that_do_not_fit_are_refused(token, publisher_wallet, value):
    with pytest.raises(InvalidInput, match="do not fit mint"):
        token.mint(publisher_wallet.address, value, publisher_wallet)


@pytest.fixture
def order(token: DataToken, publisher_wallet: Wallet, consumer_wallet: Wallet) -> str:
    token.mint(consumer_wallet.address, 5 * ONE, publisher_wallet)
    return token.startOrder(consumer_wallet.address, 2 * ONE, 4, None, consumer_wallet)


def test_an_order_is_verified_by_its_log(ocean, token, order, publisher_wallet, consumer_wallet):
    did = f"did:op:{token.address[2:]}"

    tx, log, transfer = token.verify_order_tx(
        ocean.web3, order, did, "4", 2 * ONE, consumer_wallet.address.lower()
    )

    assert "0x" + bytes(tx["hash"]).hex() == order
    assert (log.args.amount, log.args.serviceId) == (2 * ONE, 4)
    assert (transfer.args.to, transfer.args.value) == (
        publisher_wallet.address,
        2 * ONE - 2 * ONE // 1000,
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"service_id": 3}, "service: expected 3, it has 4"),
        ({"amount_base": 3 * ONE}, "amount: expected 3 tokens, it has 2"),
        ({"sender": "publisher"}, "account: expected 0x.*, it has consumer 0x"),
        ({"did": "other"}, "data token: expected 0x.*, it has 0x"),
        ({"tx_id": "mint"}, "expected one OrderStarted log of .*, it has 0"),
    ],
)
def test_another_order_is_refused_with_both_values(
    ocean: Ocean,
    token: DataToken,
    order: str,
    publisher_wallet: Wallet,
    consumer_wallet: Wallet,
    change: dict[str, Any],
    message: str,
) -> None:
    expected = {
        "tx_id": order,
        "did": token.address,
        "service_id": 4,
        "amount_base": 2 * ONE,
        "sender": consumer_wallet.address,
        **change,
    }
    if change.get("sender"):
        expected["sender"] = publisher_wallet.address
    if change.get("did"):
        expected["did"] = publisher_wallet.address
    if change.get("tx_id"):
        expected["tx_id"] = token.mint(consumer_wallet.address, 1, publisher_wallet)

    with pytest.raises(AssertionError, match=message):
        token.verify_order_tx(ocean.web3, **expected)


@pytest.mark.parametrize(
    "change",
    [{"did": None}, {"service_id": "x" * 100_000}, {"service_id": None}, {"amount_base": None}]
    + [{"amount_base": Decimal("NaN")}, {"amount_base": 1.0}, {"sender": "x"}],
    ids=lambda change: next(iter(change)),
)
def test_an_order_cannot_be_compared_with_what_is_none(
    ocean: Ocean, token: DataToken, order: str, consumer_wallet: Wallet, change: dict[str, Any]
) -> None:
    expected = {
        "did": token.address,
        "service_id": 4,
        "amount_base": 2 * ONE,
        "sender": consumer_wallet.address,
        **change,
    }

    with pytest.raises(InvalidInput) as caught:
        token.verify_order_tx(ocean.web3, order, **expected)

    assert len(str(caught.value)) < 300


def test_an_order_of_another_data_token_is_not_taken_for_this_ones(
    ocean, token, order, publisher_wallet, consumer_wallet
):
    other = ocean.create_data_token("Other", "O", publisher_wallet)

    with pytest.raises(VerifyTxFailed, match="it has 0"):
        other.verify_order_tx(ocean.web3, order, other.address, 4, 1, consumer_wallet.address)


def test_a_market_gets_its_fee_and_the_order_is_still_verified(
    network, ocean, token, publisher_wallet, consumer_wallet
):
    market = network.wallet(2).address
    token.mint(consumer_wallet.address, 5 * ONE, publisher_wallet)

    order = token.startOrder(consumer_wallet.address, ONE, 3, market, consumer_wallet)

    token.verify_order_tx(ocean.web3, order, token.address, 3, ONE, consumer_wallet.address)
    assert token.balanceOf(market) == ONE // 1000


def test_orders_are_found_by_consumer_and_by_payer(
    network, ocean, token, order, publisher_wallet, consumer_wallet
):
    payer = network.wallet(3)
    token.mint(payer.address, ONE, publisher_wallet)
    gift = token.startOrder(consumer_wallet.address, ONE, 3, None, payer)

    mine = ocean.get_user_orders(consumer_wallet.address, token.address)
    paid = ocean.get_user_orders(payer.address.lower())

    assert [(o.transactionId, o.amount, o.serviceId) for o in mine] == [
        (order, Decimal(2), 4),
        (gift, Decimal(1), 3),
    ]
    did = f"did:op:{token.address[2:]}"  # other files' tests may have paid with this wallet, too
    assert [(o.payer, o.consumer) for o in paid if o.did == did] == [
        (payer.address, consumer_wallet.address)
    ]
    of_service_4 = ocean.get_user_orders(payer.address, token.address, service_id=4)
    assert [o.serviceId for o in of_service_4] == []
    assert len(token.get_start_order_logs(ocean.web3)) == 2


def test_an_order_can_be_finished(token, order, publisher_wallet, consumer_wallet):
    tx_hash = token.finishOrder(order, consumer_wallet.address, 1, 4, publisher_wallet)

    logs = token.get_event_logs(token.ORDER_FINISHED_EVENT)
    assert [bytes(log.args.orderTxId).hex() for log in logs] == [order[2:]]
    assert token.is_tx_successful(tx_hash)


def test_a_transaction_that_is_nowhere_times_out_with_its_hash(token):
    with pytest.raises(TransactionTimeout) as caught:
        token.get_tx_receipt("0x" + "ab" * 32, timeout=0.1)

    assert caught.value.tx_hash == "0x" + "ab" * 32


def test_many_threads_and_signers_of_one_key_do_not_trip_over_each_other(
    network, ocean, token, publisher_wallet
):
    account = Account.from_key(publisher_wallet.unsafe_private_key())
    signers = [publisher_wallet, network.wallet(0), account] * 8

    with ThreadPoolExecutor(8) as pool:
        hashes = set(pool.map(lambda s: token.mint(account.address, 1, s), signers))

    assert len(hashes) == 24
    assert token.totalSupply() == 24


def test_ether_moves_and_a_mined_transaction_cannot_be_replaced(network, ocean):
    rich, fresh = network.wallet(4), Wallet.create(ocean.web3)

    send_ether(rich, fresh.address, "1.5")

    assert get_ether_balance(fresh.address, ocean.web3) == to_base_18("1.5")
    with pytest.raises(TransactionFailed, match="nonce"):
        cancel_or_replace_transaction(rich, 0)


def test_a_wallet_without_ether_is_told_so(ocean, token):
    with pytest.raises(ChainError):
        token.transfer(token.address, 0, Wallet.create(ocean.web3))


def test_the_registry_keeps_and_finds_documents(ocean, token, publisher_wallet, consumer_wallet):
    registry = ocean.assets.ddo_registry()

    tx_hash = registry.create(f"did:op:{token.address[2:]}", b"\x00", b"data", publisher_wallet)

    wanted = {"dataToken": token.address}
    (log,) = registry.get_event_logs(registry.EVENT_METADATA_CREATED, wanted)
    assert registry.is_tx_successful(tx_hash)
    assert (log.args.data, log.args.createdBy) == (b"data", publisher_wallet.address)
    assert registry.get_event_logs(registry.EVENT_METADATA_UPDATED, wanted) == []
    with pytest.raises(TransactionFailed, match="Invalid DataToken Minter"):
        registry.update(token.address, b"\x00", b"x", consumer_wallet)
